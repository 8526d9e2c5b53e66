"""`IdTower` and `NetworkTower` by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.models import IdTower, NetworkTower

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
    expected = {"word": "string", "count": "int64", "flag": "bool"}
    assert {name: spec["dtype"] for name, spec in tower.get_config()["features"].items()} == expected
    tower.save_assets(str(tmp_path))
    other = NetworkTower([7, 8], Read(), features=tower.feature_specs, curvature=0.0)
    other.load_assets(str(tmp_path))
    assert other.all_points().numpy().tolist() == tower.all_points().numpy().tolist()


def test_bad_networks() -> None:
    with pytest.raises(
        ValueError, match=r"`features\['year'\]` must have one row for each of the 2 ids. Received: shape \(3, 1\)"
    ):
        NetworkTower(["a", "b"], dense(), features={"year": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="`network` must return vectors of a known size"):
        NetworkTower(["a", "b"], tf.keras.layers.Lambda(lambda ids: tf.strings.length(ids)))
    with pytest.raises(ValueError, match="`output` must be one of"):
        NetworkTower(["a", "b"], dense(), features={"year": np.zeros((2, 1))}, output="plane")


@pytest.mark.slow
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
