"""`IdLookup`, `SeenItems`, `IdTower` and `NetworkTower` by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.geometry import poincare
from hyperml_tf.models import IdTower, NetworkTower
from hyperml_tf.models.towers.id_lookup import IdLookup
from hyperml_tf.models.towers.seen_items import SeenItems

# IdLookup --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "asked", "codes"),
    [
        (["b", "a", "", "[UNK]", "ü"], ["ü", "", "x", "b", "[UNK]"], [4, 2, -1, 0, 3]),
        ([b"b", b"a"], ["a"], [1]),
        (np.array(["b", "a"]), ["a"], [1]),
        ([3, -1, 0], [0, 7, -1], [2, -1, 1]),
        (np.array([3, 1], np.uint8), np.array([1], np.int32), [1]),
    ],
)
def test_lookup(ids: Any, asked: Any, codes: list[int]) -> None:
    lookup = IdLookup(ids)
    got = lookup(asked)
    assert got.dtype == tf.int32
    assert got.numpy().tolist() == codes
    restored = IdLookup.from_config(lookup.get_config())
    assert restored(asked).numpy().tolist() == codes
    assert restored(lookup.raw([1, 0])).numpy().tolist() == [1, 0]


def test_lookup_of_any_shape() -> None:
    assert IdLookup(["a", "b"])(tf.constant([[["b"], ["c"]]])).numpy().tolist() == [[[1], [-1]]]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "non-empty list of ids"),
        ("abc", "non-empty list of ids"),
        ([["a"]], "non-empty list of ids"),
        (["a", "b\ud83d"], r"`ids` must be text that UTF-8 can hold.*Received: '\\ud83d'"),
        (["a", "b", "a"], "must be distinct. Received 'a' more than once"),
        ([1.5], "all strings or all integers"),
        ([None, "a"], "all strings or all integers"),
    ],
)
def test_bad_ids(ids: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IdLookup(ids)


def test_ids_of_the_other_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="must be strings"):
        IdLookup(["1"])(tf.constant([1]))
    with pytest.raises(TypeError, match="must be integers"):
        IdLookup([1])(tf.constant(["1"]))


# SeenItems -------------------------------------------------------------------------------------------------------


def seen() -> SeenItems:
    layer = SeenItems()
    layer.set_interactions(Interactions.from_arrays([0, 0, 1, 3], [2, 0, 1, 2]))  # codes 0, 1, 2 for both
    return layer


def test_contains() -> None:
    pairs = {(0, 0), (0, 1), (1, 2), (2, 0)}
    queries, candidates = np.meshgrid(np.arange(-1, 3), np.arange(3), indexing="ij")
    got = seen().contains(tf.constant(queries, tf.int32), tf.constant(candidates, tf.int32)).numpy()
    assert {(int(q), int(i)) for q, i in zip(queries[got], candidates[got], strict=True)} == pairs


def test_pairs_and_padding() -> None:
    rows, items = seen().pairs_of(tf.constant([2, 0]))
    assert (rows.numpy().tolist(), items.numpy().tolist()) == ([0, 1, 1], [0, 0, 1])
    assert seen().padded(np.array([0, -1, 1])).tolist() == [[0, 1], [-1, -1], [2, -1]]
    assert seen().padded(np.array([-1])).shape == (1, 0)


def test_histories_and_shared_pairs() -> None:
    other = SeenItems()
    other.share(seen())
    owners, items, newer = (part.numpy().tolist() for part in other.histories(tf.constant([2, 0])))
    assert (owners, items, newer) == ([0, 1, 1], [0, 0, 1], [0, 1, 0])
    assert other.counts(tf.constant([0, 1, 2])).numpy().tolist() == [2, 1, 1]
    assert other.find(tf.constant([1, 2]), tf.constant([2, 2])).numpy().tolist() == [2, -1]


def test_nothing_seen() -> None:
    empty = SeenItems()
    assert len(empty) == 0
    assert not empty.contains(tf.constant([0, 1]), tf.constant([5, 0])).numpy().any()
    assert empty.pairs_of(tf.constant([0]))[0].shape == (0,)
    assert empty.histories(tf.constant([0]))[0].shape == (0,)
    assert empty.counts(tf.constant([0, 7])).numpy().tolist() == [0, 0]
    assert empty.padded(np.array([0, 4])).shape == (2, 0)


# Towers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["tangent", "direct"])
@pytest.mark.parametrize("c", [0.0, 0.5])
def test_id_tower(mode: str, c: float) -> None:
    tower = IdTower(["a", "b", "c"], dim=4, curvature=c, mode=mode, embeddings_initializer="normal")
    points = tower(["c", "unknown", "a"])
    np.testing.assert_array_equal(points[1], np.zeros(4))
    np.testing.assert_allclose(tf.gather(tower.all_points(), [2, 0]), tf.gather(points, [0, 2]))
    table = tower.embedding.embeddings
    np.testing.assert_allclose(tower.all_points(), table if mode == "direct" else poincare.expmap0(table, c), rtol=1e-6)
    config = tower.get_config()
    assert IdTower.from_config(config).get_config() == config


def test_all_points_come_in_blocks() -> None:
    tower = IdTower(range(10), dim=2)
    whole = tower.all_points().numpy()
    tower.block = 3
    np.testing.assert_array_equal(tower.all_points(), whole)


def dense(units: int = 2) -> tf.keras.layers.Layer:
    return tf.keras.Sequential([tf.keras.layers.Lambda(lambda f: f["year"]), tf.keras.layers.Dense(units)])


def test_network_tower() -> None:
    network = dense()
    years = np.array([[0.1], [0.2], [0.3]])
    tower = NetworkTower(["a", "b", "c"], network, features={"year": years}, curvature=0.5)
    expected = poincare.expmap0(network({"year": tf.constant(years, tf.float32)}), 0.5)
    np.testing.assert_allclose(tower.all_points(), expected, rtol=1e-6)
    np.testing.assert_allclose(tower([["c", "x"]]), [[expected[2], np.zeros(2)]], rtol=1e-6)
    assert tower.dim == 2


def test_a_network_on_the_ball_is_projected() -> None:
    far = tf.keras.layers.Lambda(lambda ids: tf.fill([tf.shape(ids)[0], 2], 3.0))
    points = NetworkTower([1, 2], far, output="ball", curvature=1.0).all_points()
    assert (np.linalg.norm(points, axis=1) < 1).all()


def test_features_of_every_kind(tmp_path: Path) -> None:
    class Read(tf.keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            assert inputs["word"].dtype == tf.string
            assert inputs["count"].dtype.is_integer
            assert inputs["flag"].dtype == tf.bool
            length = tf.strings.length(inputs["word"])
            parts = (length, inputs["count"], inputs["flag"], inputs["id"])
            return tf.stack([tf.cast(part, tf.float32) for part in parts], axis=-1)

    features = {"word": ["é", "two"], "count": [1, 5], "flag": np.array([True, False])}
    tower = NetworkTower([7, 8], Read(), features=features, curvature=0.0)
    assert tower.all_points().numpy().tolist() == [[2.0, 1.0, 1.0, 7.0], [3.0, 5.0, 0.0, 8.0]]
    assert tower.get_config()["features"] == {"word": ["é", "two"], "count": [1, 5], "flag": [True, False]}


def test_bad_networks() -> None:
    with pytest.raises(ValueError, match=r"`features\['year'\]` must have one row an id, 2. Received: shape \(3, 1\)"):
        NetworkTower(["a", "b"], dense(), features={"year": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="`network` must return vectors of a known size"):
        NetworkTower(["a", "b"], tf.keras.layers.Lambda(lambda ids: tf.strings.length(ids)))
    with pytest.raises(ValueError, match="`output` must be one of"):
        NetworkTower(["a", "b"], dense(), features={"year": np.zeros((2, 1))}, output="plane")


def test_towers_in_a_saved_keras_model(tmp_path: Path) -> None:
    ids = ["a", "b", "ü"]
    layers = tf.keras.layers
    network = tf.keras.Sequential([layers.StringLookup(vocabulary=ids, mask_token=None), layers.Embedding(4, 2)])
    inputs = tf.keras.Input([], dtype=tf.string)
    points = [IdTower(ids, 2, mode="direct")(inputs), NetworkTower(ids, network, output="ball", curvature=0.5)(inputs)]
    model = tf.keras.Model(inputs, layers.Concatenate()(points))
    expected = model(tf.constant(["ü", "x"])).numpy()
    assert (expected[1] == 0).all()
    model.save(tmp_path / "model.keras")
    restored = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored(tf.constant(["ü", "x"])), expected)
    assert len(restored.trainable_variables) == 2
