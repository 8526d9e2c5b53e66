"""Layers in the ways Keras users use them: ragged inputs, HDF5 files, copies and clones."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import constraints, initializers, layers, losses, metrics, optimizers, regularizers
from hyperml_tf.ball_variables import ball_curvature
from hyperml_tf.models import HistoryTower, IdTower
from hyperml_tf.tables import IdLookup

ROWS = [[[0.1, 0.2], [0.3, -0.1]], [], [[-0.2, 0.5]]]
POINTS = tf.RaggedTensor.from_row_lengths(tf.constant([[0.1, 0.2], [0.3, -0.1], [-0.2, 0.5]]), [2, 0, 1])


def direct(**kwargs: Any) -> Any:
    return layers.HyperbolicEmbedding(5, 2, mode="direct", **kwargs)


# ragged inputs


@pytest.mark.parametrize("mask_zero", [False, True])
def test_ids_of_rows_of_different_lengths_are_looked_up(mask_zero: bool) -> None:
    layer, ids = direct(mask_zero=mask_zero), tf.ragged.constant([[1, 2], [], [0]])
    points = layer(ids)
    assert points.shape.as_list() == [3, None, 2]
    np.testing.assert_array_equal(points.row_lengths(), [2, 0, 1])
    np.testing.assert_array_equal(points.flat_values, layer(tf.constant([1, 2, 0])))


@pytest.mark.parametrize(
    "layer",
    [
        layers.ExpMap(),
        layers.LogMap(),
        layers.LorentzLift(),
        layers.MobiusDense(3, activation="tanh"),
        layers.MobiusMatVec(3),
        layers.MobiusScalarMul(2.0),
        layers.ProjectToBall(),
    ],
    ids=lambda layer: layer.name,
)
def test_points_of_rows_of_different_lengths_are_mapped_one_by_one(layer: Any) -> None:
    mapped = layer(POINTS)
    np.testing.assert_array_equal(mapped.row_lengths(), [2, 0, 1])
    np.testing.assert_array_equal(mapped.flat_values, layer(POINTS.flat_values))
    with pytest.raises(ValueError, match="last axis must not be ragged"):
        layers.ExpMap()(tf.ragged.constant(ROWS))


def test_the_midpoint_of_each_ragged_row_is_that_of_its_points() -> None:
    layer = layers.Gyromidpoint()
    expected = np.stack([layer(tf.reshape(row, [-1, 2])) for row in ROWS])
    np.testing.assert_allclose(layer(POINTS), expected, atol=1e-7)
    weights = tf.ragged.constant([[1.0, 0.0], [], [2.0]])
    np.testing.assert_allclose(layer(POINTS, weights=weights)[0], ROWS[0][0], atol=1e-7)
    with pytest.raises(ValueError, match="one ragged axis"):
        layer(tf.expand_dims(POINTS, 0))


def test_masked_ids_of_ragged_rows_do_not_count() -> None:
    ids = tf.keras.Input([None], ragged=True, dtype=tf.int32)
    points = layers.HyperbolicEmbedding(5, 2, mask_zero=True)(ids)
    model = tf.keras.Model(ids, layers.Gyromidpoint()(points))
    with_padding, without = (model(tf.ragged.constant([row], dtype=tf.int32)) for row in ([1, 0, 2], [1, 2]))
    np.testing.assert_allclose(with_padding, without, atol=1e-7)


def test_pairs_of_ragged_tensors_are_refused_with_the_way() -> None:
    with pytest.raises(ValueError, match=r"two dense tensors, \[x, y\]: pad them with `to_tensor\(\)`"):
        layers.MobiusAdd()([POINTS, POINTS])


@pytest.mark.parametrize("make", [lambda: IdTower(["a", "b"], 2), lambda: HistoryTower(["a", "b"], 2, n_items=3)])
def test_lookups_and_towers_take_ragged_ids(make: Any) -> None:
    ids, flat = tf.ragged.constant([["a"], [], ["b", "?"]]), ["a", "b", "?"]
    np.testing.assert_array_equal(IdLookup(["a", "b"])(ids).to_list()[2], [1, -1])
    tower = make()
    points = tower(ids)
    np.testing.assert_array_equal(points.row_lengths(), [1, 0, 2])
    np.testing.assert_array_equal(points.flat_values, tower(flat))


# HDF5 files


@pytest.mark.slow
def test_a_whole_model_in_an_hdf5_file(tmp_path: Path) -> None:
    curvature = layers.Curvature(0.5, learned=True)
    embedding = tf.keras.layers.Embedding(
        5,
        3,
        embeddings_initializer=initializers.WrappedNormal(),
        embeddings_constraint=constraints.BallConstraint(),
    )
    dense = layers.MobiusDense(3, curvature=curvature, activity_regularizer=regularizers.RadiusRegularizer(0.1))
    model = tf.keras.Sequential([tf.keras.Input((), dtype=tf.int32), embedding, dense])
    model.compile(optimizers.RiemannianAdam(), losses.PullPushLoss(3.0), [metrics.NDCG(2)], run_eagerly=True)
    x, y = np.arange(4), np.eye(4, 3)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.h5")
    loaded = tf.keras.models.load_model(tmp_path / "model.h5")
    loaded.run_eagerly = True
    for one in (model, loaded):
        one.fit(x, y, verbose=0)
    for variable, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(variable, other, rtol=1e-6)
    assert ball_curvature(loaded.layers[-1].bias) is not None


@pytest.mark.parametrize("mode", ["direct", "tangent"])
def test_an_embedding_in_an_hdf5_file(mode: Any, tmp_path: Path) -> None:
    model = tf.keras.Sequential([tf.keras.Input((), dtype=tf.int32), layers.HyperbolicEmbedding(5, 3, mode=mode)])
    model.save(tmp_path / "model.h5")
    np.testing.assert_array_equal(tf.keras.models.load_model(tmp_path / "model.h5")(np.arange(5)), model(np.arange(5)))


# The mark by which optimizers recognise points of the ball


def in_a_model(layer: Any) -> Any:
    return tf.keras.Sequential([tf.keras.Input((), dtype=tf.int32), layer, layers.MobiusDense(2, curvature=0.5)])


def through_tensorflow_format(model: Any, folder: Path) -> Any:
    model.save(folder / "model", save_format="tf")
    return tf.keras.models.load_model(folder / "model")


def through_keras_format(model: Any, folder: Path) -> Any:
    model.save(folder / "model.keras")
    return tf.keras.models.load_model(folder / "model.keras")


COPIES = {
    "copy.copy": lambda model, _: copy.copy(model),
    "copy.deepcopy": lambda model, _: copy.deepcopy(model),
    "clone_model": lambda model, _: tf.keras.models.clone_model(model),
    ".keras": through_keras_format,
    "TensorFlow's format": through_tensorflow_format,
}


@pytest.mark.slow
@pytest.mark.parametrize("way", COPIES)
def test_points_are_marked_in_every_copy_of_a_model(way: str, tmp_path: Path) -> None:
    copied = COPIES[way](in_a_model(direct()), tmp_path)
    assert [ball_curvature(variable) for variable in copied.trainable_variables] == [1.0, None, 0.5]


def test_a_copy_of_a_layer_takes_riemannian_steps_on_its_own_curvature() -> None:
    layer = direct(curvature=layers.Curvature(0.5, learned=True))
    layer(tf.constant([1]))
    copied = copy.deepcopy(layer)
    copied.curvature.raw.assign(3.0)
    np.testing.assert_allclose(ball_curvature(copied.embeddings), tf.nn.softplus(3.0))
    np.testing.assert_allclose(ball_curvature(layer.embeddings), 0.5, rtol=1e-6)


def test_tangent_vectors_are_not_marked() -> None:
    layer = layers.HyperbolicEmbedding(5, 2)
    layer(tf.constant([1]))
    assert ball_curvature(copy.deepcopy(layer).embeddings) is None
