"""`HistoryTower`: users placed by their items, against float64 arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.geometry import poincare
from hyperml_tf.models import History, HistoryTower, HyperML, IdTower

N_ITEMS, DIM = 12, 3
HISTORIES = [[3, 1, 4], [5], [], [9, 2, 6, 8, 0, 7, 11, 10]]


def tower(**kwargs: Any) -> HistoryTower:
    """Four users, the last of whom has more items than a step reads."""
    history = History(**{"length": 4, "weight": 0.5, "shrinkage": 2.0, "window": 3.0, "half_life": 2.0, **kwargs})
    made = HistoryTower(list("abcd"), DIM, N_ITEMS, history, embeddings_initializer="normal")
    made.context.assign(np.random.default_rng(0).normal(size=(N_ITEMS, DIM)))
    made.seen.set(np.repeat(np.arange(4), list(map(len, HISTORIES))), np.concatenate(HISTORIES).astype(np.int32))
    return made


def expected(made: HistoryTower, user: int, weights: dict[int, float], counts: int) -> np.ndarray:
    """The formula of the class, with a weight for each item that counts."""
    history = made.history
    context, offset = made.context.numpy().astype(float), made.embedding.embeddings.numpy()[user].astype(float)
    pull = sum(w * context[item] for item, w in weights.items()) / (sum(weights.values()) or 1.0)
    strength = history.weight * math.sqrt(min(counts, history.length))
    own = counts / (counts + history.shrinkage) if counts else 0.0
    return poincare.expmap0(tf.constant(own * offset + strength * pull + np.zeros(DIM)), 1.0).numpy()


@pytest.mark.parametrize("half_life", [None, 2.0])
def test_points(half_life: float | None) -> None:
    made = tower(half_life=half_life)
    points = made(["a", "b", "c", "d", "nobody"]).numpy()
    for user, items in enumerate(HISTORIES):
        ages = np.arange(len(items))[::-1]
        weights = dict(zip(items, 0.5 ** (ages / half_life) if half_life else np.ones(len(items)), strict=True))
        np.testing.assert_allclose(points[user], expected(made, user, weights, len(items)), rtol=1e-5, atol=1e-7)
    assert (points[2] == 0).all()
    assert (points[4] == 0).all()
    made.block = 3
    np.testing.assert_allclose(made.all_points(), points[:4], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(made([["a", "d"], ["b", "c"]]), points[[[0, 3], [1, 2]]], rtol=1e-6, atol=1e-7)


def test_what_is_very_old_is_not_read() -> None:
    made = tower(half_life=0.01)
    np.testing.assert_allclose(made(["d"])[0], expected(made, 3, {10: 1.0}, 8), rtol=1e-5)


def test_the_positive_is_left_out_in_training() -> None:
    made = tower()
    users, items = [0, 0, 1, 1], [1, 7, 5, 0]  # the second and the last are not the users' own
    points = made.training_points(tf.constant(users), tf.constant(items), tf.constant([0, 1])).numpy()
    for row, (user, item) in enumerate(zip(users, items, strict=True)):
        weights = {own: 1.0 for own in HISTORIES[user] if own != item}
        np.testing.assert_allclose(points[row], expected(made, user, weights, len(weights)), rtol=1e-5, atol=1e-7)


def test_a_step_reads_and_changes_few_rows() -> None:
    made = tower()
    users, items = tf.constant([3, 3, 3]), tf.constant([6, 6, 11])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(made.training_points(users, items, tf.constant([0, 1])))
    gradients = tape.gradient(total, [made.context, made.embedding.embeddings])
    assert all(isinstance(gradient, tf.IndexedSlices) for gradient in gradients)
    rows = gradients[0].indices.numpy().tolist()
    assert len(rows) == len(set(rows)) <= N_ITEMS
    assert set(rows) <= set(HISTORIES[3])
    assert all(np.isfinite(gradient.values).all() for gradient in gradients)


def test_which_models_have_a_history() -> None:
    ids = [["u"], ["x", "y"]]
    assert isinstance(HyperML(*ids).query_tower, HistoryTower)
    assert HyperML(*ids, history=5).query_tower.history == History(length=5)
    assert type(HyperML(*ids, history=0).query_tower) is IdTower
    assert type(HyperML(*ids, mode="direct").query_tower) is IdTower
    rows = (["u", "u", "v"], ["x", "y", "y"])
    assert HyperML.from_interactions(Interactions.from_arrays(*rows)).query_tower.history == History.unordered()
    ordered = Interactions.from_arrays(*rows, order=[1, 2, 1])
    assert HyperML.from_interactions(ordered).query_tower.history == History()
    with pytest.raises(ValueError, match=r"`history` must be 0 or None in direct mode.*Received: history=3"):
        HyperML(*ids, mode="direct", history=3)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (-1, "`history` must be a `History`.*Received: history=-1"),
        (True, "`history` must be a `History`"),
        ("all", "`history` must be a `History`.*'all'"),
        ({"length": 0}, "`length` must be an integer >= 1. Received: length=0"),
        ({"half_life": 0.0}, '`half_life` must be a number > 0 or "inf"'),
        ({"window": -1.0}, "`window` must be a finite number > 0"),
        ({"weight": float("nan")}, "`weight` must be a finite number >= 0"),
        ({"shrinkage": -1.0}, "`shrinkage` must be a finite number >= 0"),
    ],
)
def test_bad_histories(history: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HyperML(["u"], ["x", "y"], history=history)
    with pytest.raises(ValueError, match="must have a length"):
        HistoryTower(["u"], 2, 3, 0)


def test_new_items_move_a_user_without_training() -> None:
    model = HyperML(["u", "v"], ["x", "y", "z"], dim=2)
    model.query_tower.context.assign([[5.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    model.candidate_tower.embedding.embeddings.assign([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]])
    model.compile()
    model.set_seen(Interactions.from_arrays(["u", "v"], ["x", "y"]))
    assert model.recommend(["u"], k=1).ids.tolist() == [["z"]]
    model.set_seen(Interactions.from_arrays(["u", "u", "v"], ["x", "y", "y"]))
    assert model.recommend(["u"], k=1, exclude_seen=False).ids.tolist() == [["y"]]
