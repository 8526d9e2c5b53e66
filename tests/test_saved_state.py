"""Every exported class with a state gives the same answers after `.keras`, after weights in every format, and after a checkpoint.

Layers are in tests/layers/test_every_layer.py, which asks the same of each. A class exported without a case here fails.
"""

from __future__ import annotations

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


@pytest.mark.parametrize("cls", CASES, ids=lambda cls: cls.__name__)
def test_the_answers_survive(cls: type, tmp_path: Path) -> None:
    make, fresh, ask = CASES[cls]
    value = make()
    expected = ask(value)
    if value.weights:  # which the answers must depend on
        assert any(not np.array_equal(part, other) for part, other in zip(expected, _try(ask, fresh()), strict=False))
    copies = {".keras": save_and_load(value, tmp_path)}
    for form in ("weights.h5", "h5", "checkpoint"):
        model, other = (item if isinstance(item, tf.keras.Model) else Whole(item) for item in (value, fresh()))
        model.save_weights(str(tmp_path / f"of.{form}"))
        other.load_weights(str(tmp_path / f"of.{form}"))
        copies[form] = other if isinstance(value, tf.keras.Model) else other.layer
    copies["tf.train.Checkpoint"] = fresh()
    tf.train.Checkpoint(it=value).write(str(tmp_path / "it"))
    tf.train.Checkpoint(it=copies["tf.train.Checkpoint"]).read(str(tmp_path / "it")).expect_partial()
    copies["set_weights"] = fresh()
    copies["set_weights"].set_weights(value.get_weights())
    for form, copy in copies.items():
        for part, other in zip(expected, ask(copy), strict=True):
            np.testing.assert_array_equal(part, other, err_msg=form)


def _try(ask: Callable[[Any], list[Any]], value: Any) -> list[Any]:
    """What a value without a state answers, or nothing where it says that it has none."""
    try:
        return ask(value)
    except ValueError:
        return [np.array(np.nan)] * 2
