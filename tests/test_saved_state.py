"""Every exported class with a state gives the same answers after `.keras`, after weights in every format, and after a checkpoint.

Layers are in tests/layers/test_every_layer.py, which asks the same of each. A class exported without a case here fails.
Weights that were saved with other ids, in any format, are an error.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny import split

from hyperml_tf import layers, models, retrieval, tables
from hyperml_tf.models import baselines

IDS = ["b", "a", "ü"]
POINTS = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 2)).astype(np.float32)
USERS = split().train.user_ids[:9]


class Whole(tf.keras.Model):
    """A model around one layer, which Keras can save whatever the layer is called with."""

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = tf.keras.utils.deserialize_keras_object(layer) if isinstance(layer, dict) else layer
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.layer(inputs)

    def get_config(self) -> dict[str, Any]:
        return {"layer": tf.keras.utils.serialize_keras_object(self.layer)}


def filled(tower: Any) -> Any:
    """A tower with points of its own, and a history where it reads one."""
    for number, variable in enumerate(tower.trainable_variables):
        variable.assign(np.random.default_rng(number).normal(size=variable.shape))
    if tower.seen is not None:
        tower.seen.set([0, 0, 2], [1, 0, 2])
    return tower


def encoder(seed: int) -> Any:
    tf.keras.utils.set_random_seed(seed)
    return models.SequenceEncoder(3, 2)


def seen_items() -> Any:
    layer = tables.SeenItems(3, 4)
    layer.set([0, 0, 2], [3, 1, 0])
    return layer


def network_tower() -> Any:
    # Functional, because a Sequential that takes a dictionary cannot be loaded by the Keras of TensorFlow 2.16.
    inputs = {"id": tf.keras.Input([], dtype=tf.string, name="id"), "price": tf.keras.Input([2], name="price")}
    network = tf.keras.Model(inputs, tf.keras.layers.Dense(2)(inputs["price"]))
    return models.NetworkTower(IDS, network, features={"price": POINTS})


def recommended(model: Any) -> list[np.ndarray]:
    answer = model.recommend(USERS, k=4)
    return [answer.ids.astype(str), np.asarray(answer[1])]


def trained(cls: Any, **kwargs: Any) -> Any:
    tf.keras.utils.set_random_seed(0)
    model = cls.from_interactions(split().train, **kwargs)
    model.compile(run_eagerly=True)
    model.fit(split().train, batch_size=512, verbose=0)
    return model


Case = tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], list[Any]]]


def tower_case(make: Callable[[], Any]) -> Case:
    return lambda: filled(make()), make, lambda tower: [tower(["ü", "?", "b"]).numpy(), tower.all_points().numpy()]


def model_case(cls: Any, **kwargs: Any) -> Case:
    return lambda: trained(cls, **kwargs), lambda: cls.from_interactions(split().train, **kwargs), recommended


# class -> what makes one with a state, what makes one without, and what to ask it
CASES: dict[type, Case] = {
    models.HistoryTower: tower_case(lambda: models.HistoryTower(IDS, 2, n_items=3)),
    models.IdTower: tower_case(lambda: models.IdTower(IDS, 2, mode="direct", embeddings_initializer="zeros")),
    models.NetworkTower: tower_case(network_tower),
    models.SequenceEncoder: (
        lambda: encoder(seed=1),
        lambda: encoder(seed=2),
        lambda layer: [layer(tf.constant([[0, -1, 2], [1, 1, 1]])).numpy()[0, 2:], layer(tf.constant([[2]])).numpy()],
    ),
    models.SequenceTower: tower_case(lambda: models.SequenceTower(IDS, 2, n_items=3)),
    models.HyperML: model_case(models.HyperML, dim=3, curvature=layers.Curvature(0.5, learned=True)),
    retrieval.NearestNeighbors: (
        lambda: retrieval.NearestNeighbors(2).index(POINTS, IDS),
        lambda: retrieval.NearestNeighbors(2).index(np.zeros_like(POINTS), IDS),
        lambda layer: [part.numpy() for part in layer(POINTS[::-1])],
    ),
    tables.IdLookup: (
        lambda: tables.IdLookup(IDS),
        lambda: tables.IdLookup(IDS),
        lambda layer: [layer(["a", "x"]).numpy(), layer.raw(tf.constant([2, -1])).numpy()],
    ),
    tables.SeenItems: (
        seen_items,
        lambda: tables.SeenItems(3, 4),
        lambda layer: [
            layer.users,
            layer.items,
            layer.contains(tf.constant([0, 0, 2]), tf.constant([1, 2, 0])).numpy(),
        ],
    ),
    **{
        getattr(baselines, name): model_case(getattr(baselines, name), **({} if name == "Popularity" else {"dim": 3}))
        for name in baselines.__all__
    },
}


def test_every_exported_class_with_a_state_has_a_case() -> None:
    exported = {
        value
        for package in (models, baselines, retrieval, tables)
        for value in (getattr(package, name) for name in package.__all__)
        if inspect.isclass(value) and issubclass(value, tf.keras.layers.Layer)
    }
    assert exported - {models.Recommender, models.MetricRecommender} == set(CASES)


def save_and_load(value: Any, folder: Path) -> Any:
    model = value if isinstance(value, tf.keras.Model) else Whole(value)
    model.save(folder / "model.keras")
    loaded = tf.keras.models.load_model(folder / "model.keras", custom_objects={"Whole": Whole}, safe_mode=False)
    return loaded if isinstance(value, tf.keras.Model) else loaded.layer


def through_file(suffix: str) -> Callable[[Any, Any, Path], None]:
    def move(value: Any, other: Any, folder: Path) -> None:
        source, target = (item if isinstance(item, tf.keras.Model) else Whole(item) for item in (value, other))
        source.save_weights(str(folder / f"of{suffix}"))
        target.load_weights(str(folder / f"of{suffix}"))

    return move


def through_checkpoint(value: Any, other: Any, folder: Path) -> None:
    tf.train.Checkpoint(it=value).write(str(folder / "it"))
    tf.train.Checkpoint(it=other).read(str(folder / "it")).expect_partial()


def through_arrays(value: Any, other: Any, folder: Path) -> None:
    other.set_weights(value.get_weights())


# format -> what moves the weights of one model or layer to another
MOVES: dict[str, Callable[[Any, Any, Path], None]] = {
    ".weights.h5": through_file(".weights.h5"),
    ".h5": through_file(".h5"),
    "TensorFlow's format": through_file(".checkpoint"),
    "tf.train.Checkpoint": through_checkpoint,
    "set_weights": through_arrays,
}


@pytest.mark.parametrize("cls", CASES, ids=lambda cls: cls.__name__)
def test_the_answers_survive(cls: type, tmp_path: Path) -> None:
    make, fresh, ask = CASES[cls]
    value = make()
    expected = ask(value)
    if cls is not tables.IdLookup:  # whose only weight is a hash of its ids
        answers = _try(ask, fresh())
        assert any(not np.array_equal(part, other) for part, other in zip(expected, answers, strict=False))
    copies = {".keras": save_and_load(value, tmp_path)}
    for form, move in MOVES.items():
        copies[form] = fresh()
        move(value, copies[form], tmp_path)
    for form, copy in copies.items():
        for part, other in zip(expected, ask(copy), strict=True):
            np.testing.assert_array_equal(part, other, err_msg=form)


def _try(ask: Callable[[Any], list[Any]], value: Any) -> list[Any]:
    """What a value without a state answers, or nothing where it says that it has none."""
    try:
        return ask(value)
    except ValueError:
        return [np.array(np.nan)] * 2


def tower(ids: Any) -> Any:
    return filled(models.IdTower(ids, 2, mode="direct"))


OTHERS = (
    r"The weights of the layer 'id_lookup\w*' must have been saved with its 3 ids, \['ü', 'a', 'b'\] .* "
    r"Expected: ids with the hash \d+. Received: ids with the hash \D*\d+"
)


@pytest.mark.parametrize("form", MOVES)
def test_weights_of_other_ids_are_an_error_until_those_of_its_own_are_loaded(form: str, tmp_path: Path) -> None:
    other = tower(IDS[::-1])
    # `.weights.h5` is refused when it is loaded already.
    with contextlib.suppress(ValueError):
        MOVES[form](tower(IDS), other, tmp_path)
    with pytest.raises(ValueError, match=OTHERS):
        other(["a"])
    with pytest.raises(ValueError, match=OTHERS):
        _ = other.ids
    MOVES[form](tower(IDS[::-1]), other, tmp_path)
    assert np.isfinite(other(["a"])).all()


def test_a_file_of_weights_in_the_format_of_keras_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    Whole(tower(IDS)).save_weights(tmp_path / "of.weights.h5")
    with pytest.raises(ValueError, match=OTHERS):
        Whole(tower(IDS[::-1])).load_weights(tmp_path / "of.weights.h5")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["set_weights", "TensorFlow's format"])
def test_a_graph_that_was_traced_before_checks_the_weights_when_it_runs(form: str, tmp_path: Path) -> None:
    for make, asked in ((tower, np.array(["a"])), (nearest_to, POINTS)):
        model = Whole(make(IDS[::-1]))
        model.predict(asked, verbose=0)
        MOVES[form](Whole(make(IDS)), model, tmp_path)
        with pytest.raises(tf.errors.InvalidArgumentError, match="must have been saved with its 3 ids"):
            model.predict(asked, verbose=0)


def nearest_to(ids: Any) -> Any:
    return retrieval.NearestNeighbors(1).index(POINTS, ids)


def test_ids_that_are_set_after_the_weights_are_theirs() -> None:
    made, saved = tables.IdLookup(3), tables.IdLookup(IDS)
    made.set_weights(saved.get_weights())
    with pytest.raises(ValueError, match=OTHERS):
        made.set_ids(IDS[::-1])
    made.set_ids(IDS)
    assert made(["a"]).numpy().tolist() == [1]


def test_a_model_with_the_weights_of_other_users_neither_answers_nor_trains() -> None:
    table = split().train
    model, other = (models.HyperML(ids, table.item_ids, dim=3) for ids in (table.user_ids, table.user_ids[::-1]))
    model.compile(run_eagerly=True)
    other.set_seen(table)
    model.set_weights(other.get_weights())
    for use in (
        lambda: model.recommend(USERS),
        lambda: model.fit(table, verbose=0),
        lambda: model.evaluate_ranking(split().validation),
        lambda: model.query_tower.ids,
    ):
        with pytest.raises(ValueError, match=f"must have been saved with its {table.n_users} ids"):
            use()
    assert len(model.similar_items(table.item_ids[:1]).ids) == 1  # the items are the same


@pytest.mark.slow
def test_a_training_step_does_not_check_the_ids() -> None:
    model = models.HyperML.from_interactions(split().train, dim=3)
    model.compile()
    model.set_seen(split().train)
    codes = {name: tf.TensorSpec([4], tf.int32) for name in ("user", "item")}
    assert "Assert" not in operations(model.train_step, codes)
    keras = tf.keras.Sequential([tower(IDS)])
    ids = tf.TensorSpec([4], tf.string)
    assert "Assert" not in operations(lambda ids: keras(ids, training=True), ids)
    assert "Assert" in operations(lambda ids: keras(ids, training=False), ids)


def operations(function: Any, inputs: Any) -> set[str]:
    """The types of the operations of a traced function."""
    return {operation.type for operation in tf.function(function).get_concrete_function(inputs).graph.get_operations()}
