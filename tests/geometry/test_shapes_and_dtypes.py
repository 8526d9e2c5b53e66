"""Broadcasting of points and curvature, dtypes, graph mode with unknown dimensions, and symbolic Keras inputs."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from test_gradients import FUNCTIONS, functions, inside

from hyperml_tf.geometry import lorentz, poincare


def batch(rows: int, dtype=np.float32):
    random = np.random.default_rng(1)
    return [random.uniform(-0.4, 0.4, (rows, 2)).astype(dtype) for _ in range(3)]


@functions
def test_one_curvature_per_point_equals_separate_calls(name: str) -> None:
    x, y, v = batch(4)
    c = np.array([0.0, 1e-3, 0.5, 2.0], np.float32)
    if name == "pairwise_distance":
        together = poincare.pairwise_distance(x[:, np.newaxis], y[:, np.newaxis], c)
    else:
        together = FUNCTIONS[name](*map(tf.constant, (x, y, v, c)))
    for i in range(4):
        alone = FUNCTIONS[name](*map(tf.constant, (x[i], y[i], v[i], c[i])))
        np.testing.assert_allclose(together[i], alone, rtol=1e-5, atol=1e-6)


@functions
def test_leading_axes_are_batch_axes(name: str) -> None:
    x, y, v = batch(6)
    flat = FUNCTIONS[name](*map(tf.constant, (x, y, v)), 0.5)
    deep = FUNCTIONS[name](*(tf.reshape(a, [2, 3, 2]) for a in (x, y, v)), 0.5)
    np.testing.assert_allclose(tf.reshape(deep, flat.shape), flat, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["mobius_add", "distance", "squared_distance", "logmap"])
def test_points_broadcast_against_each_other(name: str) -> None:
    x, y, _ = batch(5)
    function = getattr(poincare, name)
    crossed = function(x[:, np.newaxis], y[np.newaxis], 0.7)
    np.testing.assert_allclose(crossed[2, 3], function(x[2], y[3], 0.7), rtol=1e-5)
    columns = function(x[:, np.newaxis], y[np.newaxis], tf.fill([5, 1], 0.7))
    np.testing.assert_allclose(columns, crossed, rtol=1e-6)


def test_one_matrix_serves_points_of_any_rank() -> None:
    matrix = np.random.default_rng(2).normal(size=(3, 2)).astype(np.float32)
    x = batch(6)[0].reshape(2, 3, 2)
    together = poincare.mobius_matvec(matrix, x, 0.5)
    assert together.shape == (2, 3, 3)
    repeated = poincare.mobius_matvec(np.broadcast_to(matrix, (2, 3, 3, 2)), x, 0.5)
    np.testing.assert_allclose(together, repeated, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(poincare.mobius_matvec(matrix, x[1, 2], 0.5), together[1, 2], rtol=1e-5, atol=1e-6)


@functions
@pytest.mark.parametrize("half", [tf.float16, tf.bfloat16])
def test_half_precision_is_computed_in_float32(name: str, half) -> None:
    inputs = [tf.cast(a, half) for a in batch(3)]
    value = FUNCTIONS[name](*inputs, tf.cast(0.5, half))
    assert value.dtype == tf.float32
    np.testing.assert_allclose(
        value, FUNCTIONS[name](*(tf.cast(a, tf.float32) for a in inputs), 0.5), rtol=1e-6, atol=1e-7
    )


def test_the_widest_dtype_wins_and_lists_and_integers_do_not_widen() -> None:
    x32, x64 = tf.constant([0.1, 0.2]), tf.constant([0.3, 0.1], tf.float64)
    assert poincare.distance(x32, x64, 1.0).dtype == tf.float64
    assert poincare.distance(x32, [0.1, 0.3], 1).dtype == tf.float32
    assert poincare.mobius_add([0, 0], tf.constant([0, 0]), 1.0).dtype == tf.float32
    assert lorentz.lift([0.1, 0.3], tf.constant(1.0, tf.float64)).dtype == tf.float64


@pytest.mark.slow
@functions
def test_graph_mode_with_unknown_leading_axes(name: str) -> None:
    point = tf.TensorSpec([None, None, 2], tf.float32)
    function = tf.function(FUNCTIONS[name], input_signature=[point] * 3 + [tf.TensorSpec([], tf.float32)])
    inputs = [tf.constant(a.reshape(3, 2, 2)) for a in batch(6)]
    np.testing.assert_allclose(function(*inputs, 0.5), FUNCTIONS[name](*inputs, 0.5), rtol=1e-5, atol=1e-6)
    empty = [tf.zeros([0, 2, 2])] * 3
    assert function(*empty, 0.5).shape[0] == 0


@functions
def test_variables_are_accepted(name: str) -> None:
    inputs = [tf.Variable(a) for a in batch(2)]
    expected = FUNCTIONS[name](*map(tf.convert_to_tensor, inputs), 0.5)
    if name in ("mobius_matvec", "gyromidpoint", "mobius_scalar_mul", "pairwise_distance"):
        assert expected.shape[0] == 2  # these index their arguments first
    np.testing.assert_array_equal(FUNCTIONS[name](*inputs, tf.Variable(0.5)), expected)


def test_symbolic_keras_inputs_are_accepted() -> None:
    x, y, _ = batch(4)
    left, right = tf.keras.Input([2]), tf.keras.Input([2])
    model = tf.keras.Model([left, right], poincare.distance(left, right, 0.5))
    np.testing.assert_allclose(model([x, y]), poincare.distance(x, y, 0.5), rtol=1e-6)
    with tf.GradientTape() as tape:
        moving = tf.constant(x)
        tape.watch(moving)
        value = model([moving, y])
    assert np.isfinite(tape.gradient(value, moving)).all()


def test_float64_and_float32_agree() -> None:
    inputs = inside(1.0)
    for function in FUNCTIONS.values():
        wide = function(*map(tf.constant, inputs), 1.0)
        narrow = function(*(tf.constant(a, tf.float32) for a in inputs), 1.0)
        np.testing.assert_allclose(narrow, wide, rtol=2e-5, atol=1e-6)
