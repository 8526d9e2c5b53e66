"""Models with more users and items: what is known stays bit by bit, and what is new has a sensible place."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.layers import Curvature
from hyperml_tf.models import Encoding, History, HyperML, load_model
from hyperml_tf.optimizers import RiemannianAdam, RiemannianSGD

USERS, ITEMS = 12, 20
NEW_USERS, NEW_ITEMS = ["w1", "w2"], ["y1", "y2", "y3"]

KINDS: dict[str, dict[str, Any]] = {
    "history": {},
    "sequence": {"user_model": "sequence", "history": History(length=3), "encoding": Encoding(length=6)},
    "free": {"user_model": "free"},
    "direct": {"mode": "direct"},
    "learned curvature": {"curvature": Curvature(0.5, learned=True)},
}
OPTIMIZERS: dict[str, Any] = {
    "adagrad": lambda: None,
    "adam": lambda: RiemannianAdam(0.01),
    "averaged sgd": lambda: RiemannianSGD(0.01, momentum=0.9, use_ema=True),
    "Adam of Keras": lambda: tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)),
}
CASES = (
    [(kind, "adagrad") for kind in KINDS] + [("history", name) for name in list(OPTIMIZERS)[1:]] + [("direct", "adam")]
)


def table() -> Interactions:
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.permutation(ITEMS)[:6] for _ in range(USERS)])
    assert len(set(items)) == ITEMS
    return Interactions.from_arrays([f"u{n}" for n in np.repeat(np.arange(USERS), 6)], [f"i{n}" for n in items])


def batch(*rows: int) -> dict[str, Any]:
    frame = table().to_frame().iloc[list(rows)]
    return {"user_id": frame["user"].tolist(), "item_id": frame["item"].tolist()}


@functools.cache
def trained(kind: str = "history", optimizer: str = "adagrad") -> HyperML:
    """A model after a few steps. It is shared: change nothing in it."""
    tf.keras.utils.set_random_seed(0)
    model = HyperML.from_interactions(table(), dim=4, **KINDS[kind])
    model.compile(OPTIMIZERS[optimizer](), run_eagerly=True)
    model.set_seen(table())
    for first in (0, 20, 40):
        model.train_on_batch(batch(*range(first, first + 20)))
    return model


def rows_of(old: list[tf.Variable], new: list[tf.Variable]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of the variables of two models that have more than one value, the second cut to the rows of the first."""
    return [
        (one.numpy(), two.numpy()[: one.shape[0]] if one.shape.rank else two.numpy())
        for one, two in zip(old, new, strict=True)
    ]


@pytest.mark.parametrize(("kind", "optimizer"), CASES)
def test_known_rows_and_their_slots_are_the_same_bit_by_bit(kind: str, optimizer: str) -> None:
    model = trained(kind, optimizer)
    before = [variable.numpy() for variable in model.variables]
    larger = model.extended(NEW_USERS, NEW_ITEMS)
    assert type(larger.optimizer) is type(model.optimizer)
    assert larger.query_tower.ids.tolist() == [*model.query_tower.ids, *NEW_USERS]
    assert larger.candidate_tower.ids.tolist() == [*model.candidate_tower.ids, *NEW_ITEMS]
    for old, new in (
        (model.trainable_variables, larger.trainable_variables),
        (model.optimizer.variables, larger.optimizer.variables),
    ):
        for one, two in rows_of(old, new):
            np.testing.assert_array_equal(two, one)
    grown = sum(
        one.shape != two.shape for one, two in zip(model.optimizer.variables, larger.optimizer.variables, strict=True)
    )
    assert grown > 0 or optimizer == "averaged sgd"
    assert int(larger.optimizer.iterations) == 3
    assert int(larger.batches) == int(model.batches)
    np.testing.assert_array_equal(larger.seen.items, model.seen.items)
    # The model itself is as it was.
    for one, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(variable.numpy(), one)


@pytest.mark.parametrize("kind", ["history", "sequence", "direct"])
def test_answers_for_known_users_are_the_same_and_new_items_come_last(kind: str) -> None:
    model = trained(kind)
    larger = model.extended(NEW_USERS, NEW_ITEMS)
    users = model.query_tower.ids
    before, after = model.recommend(users, k=ITEMS - 6), larger.recommend(users, k=ITEMS - 6)
    np.testing.assert_array_equal(after.ids, before.ids)
    np.testing.assert_array_equal(after.distances, before.distances)
    everything = larger.recommend([*users, *NEW_USERS], k=ITEMS + 3, exclude_seen=False).ids
    assert set(everything[:, ITEMS:].ravel()) == set(NEW_ITEMS)


@pytest.mark.parametrize("kind", ["history", "direct"])
def test_a_step_on_known_ids_is_the_step_without_new_users(kind: str) -> None:
    """With new items other negatives are drawn, so these are left out."""
    plain, larger = trained(kind).extended(), trained(kind).extended(users=NEW_USERS)
    losses = [model.train_on_batch(batch(3, 30, 50)) for model in (plain, larger)]
    assert losses[0] == losses[1]
    for old, new in (
        (plain.trainable_variables, larger.trainable_variables),
        (plain.optimizer.variables, larger.optimizer.variables),
    ):
        for one, two in rows_of(old, new):
            np.testing.assert_array_equal(two, one)


@pytest.mark.parametrize(("kind", "optimizer"), [("history", "adam"), ("direct", "adagrad")])
def test_a_gradient_of_known_items_moves_them_as_without_new_ones(kind: str, optimizer: str) -> None:
    """Slots belong to their rows: the same gradient has the same effect."""
    models = [trained(kind, optimizer).extended(items=items) for items in (None, NEW_ITEMS)]
    gradient = tf.IndexedSlices(tf.random.stateless_normal([2, 4], [0, 1]), tf.constant([1, ITEMS - 1]))
    for model in models:
        model.optimizer.apply_gradients([(gradient, model.candidate_tower.embedding.embeddings)])
    plain, larger = (model.candidate_tower.embedding.embeddings.numpy() for model in models)
    np.testing.assert_array_equal(larger[:ITEMS], plain)
    assert (plain[1] != trained(kind, optimizer).candidate_tower.embedding.embeddings.numpy()[1]).all()


@pytest.mark.parametrize("kind", ["sequence", "direct"])
def test_an_extended_model_is_saved_and_loaded(kind: str, tmp_path: Path) -> None:
    larger = trained(kind).extended(NEW_USERS, NEW_ITEMS)
    larger.add_seen(Interactions.from_arrays(["w1", "w1", "u1"], ["y1", "i2", "y1"]))
    larger.save(tmp_path / "larger.keras")
    loaded = load_model(tmp_path / "larger.keras", kind=HyperML)
    users = larger.query_tower.ids
    np.testing.assert_array_equal(loaded.recommend(users).ids, larger.recommend(users).ids)
    np.testing.assert_array_equal(loaded.recommend(users).distances, larger.recommend(users).distances)
    for one, two in zip(larger.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(two.numpy(), one.numpy())


@pytest.mark.parametrize("kind", ["history", "direct"])
def test_a_new_item_with_rows_starts_in_the_direction_of_its_users(kind: str) -> None:
    model = trained(kind)
    rows = Interactions.from_arrays(["u1", "u4", "u4", "w1"], ["y1", "y1", "y2", "i3"])
    tf.keras.utils.set_random_seed(1)  # for the other vectors of new items, which are small
    larger = model.extended(rows=rows)
    assert larger.query_tower.ids[-1] == "w1"
    assert larger.candidate_tower.ids[-2:].tolist() == ["y1", "y2"]
    np.testing.assert_array_equal(larger.seen.items, model.seen.items)
    tf.keras.utils.set_random_seed(1)
    with_rows = model.extended(rows=rows)
    with_rows.add_seen(rows)

    def tangents(points: Any) -> np.ndarray:
        """By the formula of the logarithm at the origin with curvature c."""
        root, norms = np.sqrt(float(model.curvature())), np.linalg.norm(points, axis=1, keepdims=True)
        return np.arctanh(root * norms) / root * np.asarray(points) / norms

    users = tangents(with_rows.query_tower(tf.constant(["u1", "u4"])))
    median = np.median(np.linalg.norm(tangents(model.candidate_tower.all_points()), axis=1))
    for item, mean in (("y1", users.mean(axis=0)), ("y2", users[1])):
        place = tangents(larger.candidate_tower(tf.constant([item])))[0]
        np.testing.assert_allclose(place, median * mean / np.linalg.norm(mean), rtol=1e-4, atol=1e-6)


def test_an_item_without_history_that_gets_its_first_row_is_placed_then() -> None:
    listed = trained().extended(items=["y1"])
    far = np.linalg.norm(listed.candidate_tower(tf.constant(["y1"])))
    placed = listed.extended(rows=Interactions.from_arrays(["u1", "u2"], ["y1", "i1"]))
    assert np.linalg.norm(placed.candidate_tower(tf.constant(["y1"]))) < far
    np.testing.assert_array_equal(
        placed.candidate_tower(tf.constant(["i1"])), listed.candidate_tower(tf.constant(["i1"]))
    )


def test_known_and_repeated_ids_are_ignored() -> None:
    larger = trained().extended(["u1", "w1", "w1"], np.array(["i2", "i3"]))
    assert larger.query_tower.ids.tolist() == [*trained().query_tower.ids, "w1"]
    assert larger.candidate_tower.ids.tolist() == trained().candidate_tower.ids.tolist()
    assert trained().extended([], None).query_tower.ids.tolist() == trained().query_tower.ids.tolist()


def test_integers_and_their_text_are_the_same_ids() -> None:
    model = HyperML([7, 8], [1, 2], dim=2)
    larger = model.extended(users=["8", "9"], items=[3])
    assert larger.query_tower.ids.tolist() == [7, 8, 9]
    assert larger.query_tower.ids.dtype == np.int64
    assert HyperML(["7"], ["a", "b"], dim=2).extended(users=[7, 8]).query_tower.ids.tolist() == ["7", "8"]
    with pytest.raises(ValueError, match=r"`items` must be integers, as those that the model knows. Received: '007'"):
        model.extended(items=["3", "007"])
    with pytest.raises(ValueError, match="`users` must be all strings or all integers"):
        model.extended(users=[0.5])


def test_a_model_that_is_not_compiled_or_not_trained_can_be_extended() -> None:
    assert HyperML(["a"], ["x", "y"], dim=2).extended(["b"]).optimizer is None
    model = HyperML(["a"], ["x", "y"], dim=2)
    model.compile()
    assert len(model.extended(["b"]).query_tower) == 2


def test_networks_cannot_be_extended() -> None:
    network = tf.keras.Sequential([tf.keras.layers.Lambda(lambda inputs: inputs["f"])])
    model = HyperML(
        ["a"], ["x", "y"], dim=2, candidate_network=network, candidate_features={"f": np.eye(2, dtype="f4")}
    )
    with pytest.raises(
        ValueError, match=r"features of new ids are unknown.*Received: a model with a `candidate_network`"
    ):
        model.extended(items=["z"])
