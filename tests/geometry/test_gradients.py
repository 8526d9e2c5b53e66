"""Gradients of all public functions, in the points and in the curvature: correct in the interior, and finite everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import lorentz, poincare


def lifted(x, y, c):
    # Products of lifted coordinates of points that were never projected overflow float32 on a large ball.
    return [lorentz.lift(poincare.project(p, c), c) for p in (x, y)]


# All functions, with the same arguments: two points, a vector and the curvature.
FUNCTIONS = {
    "conformal_factor": lambda x, y, v, c: poincare.conformal_factor(x, c),
    "distance": lambda x, y, v, c: poincare.distance(x, y, c),
    "distance0": lambda x, y, v, c: poincare.distance0(x, c),
    "egrad2rgrad": lambda x, y, v, c: poincare.egrad2rgrad(x, v, c),
    "expmap": lambda x, y, v, c: poincare.expmap(x, v, c),
    "expmap0": lambda x, y, v, c: poincare.expmap0(v, c),
    "gyration": lambda x, y, v, c: poincare.gyration(x, y, v, c),
    "gyromidpoint": lambda x, y, v, c: poincare.gyromidpoint(tf.stack([x, y, y], axis=-2), c, weights=[0.2, 0.5, 1.0]),
    "logmap": lambda x, y, v, c: poincare.logmap(x, y, c),
    "logmap0": lambda x, y, v, c: poincare.logmap0(x, c),
    "mobius_add": lambda x, y, v, c: poincare.mobius_add(x, y, c),
    "mobius_matvec": lambda x, y, v, c: poincare.mobius_matvec(tf.linalg.diag(v), x, c),
    "mobius_scalar_mul": lambda x, y, v, c: poincare.mobius_scalar_mul(v[..., 0], x, c),
    "pairwise_distance": lambda x, y, v, c: poincare.pairwise_distance(x[..., tf.newaxis, :], y[..., tf.newaxis, :], c),
    "parallel_transport": lambda x, y, v, c: poincare.parallel_transport(x, y, v, c),
    "project": lambda x, y, v, c: poincare.project(x, c),
    "squared_distance": lambda x, y, v, c: poincare.squared_distance(x, y, c),
    "lift": lambda x, y, v, c: lorentz.lift(x, c),
    "drop": lambda x, y, v, c: lorentz.drop(lorentz.lift(x, c), c),
    "query": lambda x, y, v, c: lorentz.query(lorentz.lift(x, c), c),
    "lorentz_inner": lambda x, y, v, c: lorentz.lorentz_inner(*lifted(x, y, c), c),
    "lorentz_distance": lambda x, y, v, c: lorentz.distance(*lifted(x, y, c), c),
}
functions = pytest.mark.parametrize("name", FUNCTIONS)


def gradients(name: str, *inputs):
    """Gradients of `projection` in all inputs, 0 for those it does not depend on."""
    inputs = [tf.convert_to_tensor(a) for a in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = projection(name, *inputs)
    return tape.gradient(value, inputs, unconnected_gradients="zero")


def projection(name: str, *inputs):
    """A weighted sum of the elements of the function's value."""
    value = FUNCTIONS[name](*inputs)
    return tf.reduce_sum(value * weights(value.shape, value.dtype))


def weights(shape, dtype):
    return tf.constant(np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape), dtype)


def inside(c: float):
    """Two points and a vector, with norms of at most 0.71 of the radius of the ball."""
    random = np.random.default_rng(7)
    unit = 1.0 / np.sqrt(max(c, 1.0))
    return [random.uniform(-0.5, 0.5, 2) * unit for _ in range(3)]


def test_the_list_of_functions_is_complete() -> None:
    assert set(poincare.__all__) <= set(FUNCTIONS)


@functions
@pytest.mark.parametrize("c", [0.0, 1e-6, 0.3, 1.0, 10.0])
def test_gradients_of_points_equal_finite_differences(name: str, c: float) -> None:
    inputs = inside(c)
    actual = np.stack(gradients(name, *inputs, np.float64(c))[:3])
    step = 1e-5
    # A batch with each of the six coordinates moved by a step, and then by a step back.
    moves = np.concatenate([np.eye(6), -np.eye(6)]).reshape(12, 3, 2) * step
    values = FUNCTIONS[name](*np.moveaxis(np.stack(inputs) + moves, 1, 0), np.float64(c))
    sums = tf.reshape(values * weights(values.shape[1:], values.dtype), [12, -1]).numpy().sum(axis=1)
    expected = (sums[:6] - sums[6:]) / (2 * step)
    np.testing.assert_allclose(actual.ravel(), expected, rtol=1e-6, atol=1e-8)


@functions
@pytest.mark.parametrize("c", [0.0, 1e-6, 0.3, 1.0, 10.0])
def test_gradient_of_the_curvature_equals_finite_differences(name: str, c: float) -> None:
    inputs = inside(c)
    actual = float(gradients(name, *inputs, np.float64(c))[3])
    step = 1e-4
    # One-sided, of third order: at c = 0 there is nothing on the other side.
    values = [float(projection(name, *inputs, np.float64(c + k * step))) for k in range(4)]
    expected = np.dot([-11 / 6, 3.0, -3 / 2, 1 / 3], values) / step
    assert actual == pytest.approx(expected, rel=2e-6, abs=1e-8)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"project", "drop"}))  # these two are the identity here
def test_a_curvature_of_zero_has_a_gradient(name: str) -> None:
    assert abs(float(gradients(name, *inside(0.0), np.float64(0.0))[3])) > 1e-6


def hard_cases(dtype, c: float):
    """Points and vectors for which unguarded formulas divide by zero or overflow, as batches `x`, `y` and `v`."""
    unit = 1.0 / np.sqrt(c) if c else 1.0
    edge = numerics.ball_limit(dtype) * unit
    a, b = np.array([0.6, -0.8]), np.array([-0.28, 0.96])
    zero = 0.0 * a
    rows = [
        (zero, zero, zero),
        (zero, 0.5 * unit * a, zero),
        (0.5 * unit * a, 0.5 * unit * a, zero),
        (0.5 * unit * a, -0.5 * unit * a, unit * b),
        (0.5 * unit * a, (0.5 + 1e-9) * unit * a, 1e-12 * unit * b),
        (edge * a, edge * a, unit * a),
        (edge * a, -edge * a, unit * a),
        (edge * a, edge * b, -100 * unit * b),
        (unit * a, unit * a, unit * a),
        (unit * a, -unit * a, unit * a),
        (1.5 * unit * a, 0.1 * unit * b, unit * a),
        (40.0 * unit * a, -40.0 * unit * a, 40.0 * unit * a),
        (40.0 * unit * a, 40.0 * unit * a, zero),
    ]
    return [np.array(column, dtype) for column in zip(*rows, strict=True)]


@functions
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("c", [0.0, 1e-12, 1e-6, 1.0, 10.0])
def test_values_and_gradients_are_finite_everywhere(name: str, dtype, c: float) -> None:
    if (name, dtype, c) == ("lorentz_inner", np.float32, 1e-12):
        pytest.skip(
            "the exact derivative in c is beyond the range of float32: 3e39 at the boundary of a ball of radius 1e6"
        )
    inputs = [*hard_cases(dtype, c), dtype(c)]
    value = FUNCTIONS[name](*map(tf.constant, inputs))
    assert value.dtype == dtype
    assert np.isfinite(value).all()
    for gradient in gradients(name, *inputs):
        assert np.isfinite(gradient).all()


def test_the_gradient_reaches_points_at_any_distance() -> None:
    # A clamp in the distance would show as a zero here.
    x = tf.constant([[1.0 - 1e-4, 0.0], [numerics.ball_limit(tf.float32), 0.0], [1e-5, 0.0]])
    y = tf.constant([[-1.0 + 1e-4, 0.0], [-0.5, 0.0], [1.1e-5, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = poincare.distance(x, y, 1.0)
    size = tf.norm(poincare.egrad2rgrad(x, tape.gradient(value, x), 1.0), axis=-1) * poincare.conformal_factor(x, 1.0)
    np.testing.assert_allclose(size, np.ones(3), rtol=1e-4)


@pytest.mark.slow
def test_second_derivatives_agree_between_dtypes() -> None:
    def curvature_of_the_loss(dtype):
        x, y = tf.constant([[0.3, 0.4]], dtype), tf.constant([[-0.5, 0.1]], dtype)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = poincare.squared_distance(x, y, 1.0)
            gradient = inner.gradient(value, x)
        return outer.batch_jacobian(gradient, x)

    np.testing.assert_allclose(curvature_of_the_loss(tf.float32), curvature_of_the_loss(tf.float64), rtol=1e-5)
