"""RiemannianAdam agrees with Keras on Euclidean variables, and with the formulas in numpy on the ball."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import (
    apply_sparse,
    gradients,
    numpy_expmap,
    numpy_lambda,
    numpy_transport,
    table,
)

from hyperml_tf.geometry import poincare
from hyperml_tf.optimizers import RiemannianAdam


@pytest.mark.parametrize("amsgrad", [False, True])
def test_dense_euclidean_updates_are_those_of_keras(amsgrad: bool) -> None:
    ours, theirs = table(c=None), table(c=None)
    optimizer, keras = RiemannianAdam(0.1, amsgrad=amsgrad), tf.keras.optimizers.Adam(0.1, amsgrad=amsgrad)
    for step in range(4):
        gradient = tf.constant(gradients(step, 6) / (step + 1))
        optimizer.apply_gradients([(gradient, ours)])
        keras.apply_gradients([(gradient, theirs)])
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize(("c", "radius"), [(0.0, 0.5), (0.7, 0.9), (1.0, 0.95)])
def test_known_answers_on_the_ball(amsgrad: bool, c: float, radius: float) -> None:
    points = table(c=c, dtype="float64", radius=radius)
    x, m, v, largest = points.numpy(), np.zeros((6, 3)), np.zeros((6, 1)), np.zeros((6, 1))
    # The learning rate is a float32 variable in Keras: 1/4 is exact. So are these betas.
    optimizer = RiemannianAdam(0.25, beta_1=0.75, beta_2=0.9375, epsilon=1e-3, amsgrad=amsgrad)
    for step in range(5):
        egrad = gradients(step, 6, dtype="float64") / (step + 1)
        apply_sparse(optimizer, points, range(6), egrad)
        rgrad = egrad / numpy_lambda(x, c) ** 2
        m = 0.75 * m + 0.25 * rgrad
        v = 0.9375 * v + 0.0625 * np.sum(egrad * rgrad, axis=1, keepdims=True)
        largest = np.maximum(largest, v)
        rate = 0.25 * np.sqrt(1 - 0.9375 ** (step + 1)) / (1 - 0.75 ** (step + 1))
        moved = numpy_expmap(x, -rate * m / (np.sqrt(largest if amsgrad else v) + 1e-3), c)
        x, m = moved, numpy_transport(x, moved, m, c)
    np.testing.assert_allclose(points, x, atol=1e-9)
    np.testing.assert_allclose(optimizer.variables[1], m, atol=1e-9)
    np.testing.assert_allclose(optimizer.variables[2], v, rtol=1e-9)


@pytest.mark.parametrize("scale", [0.1, 1.0, 1e6])
@pytest.mark.parametrize("c", [0.0, 1.0])
def test_the_first_step_has_the_length_of_the_learning_rate(scale: float, c: float) -> None:
    points = table(c=c)
    before = points.numpy()
    apply_sparse(RiemannianAdam(0.05), points, range(6), np.float32(scale) * gradients(0, 6))
    np.testing.assert_allclose(poincare.distance(before, points, c), 0.05, rtol=2e-3)


def test_a_row_first_seen_late_takes_the_documented_step() -> None:
    flat = tf.Variable(np.zeros((2, 1), np.float32))
    optimizer = RiemannianAdam(0.01)
    optimizer.build([flat])
    optimizer.iterations.assign(100_000)
    apply_sparse(optimizer, flat, [1], np.float32([[1.0]]))
    np.testing.assert_allclose(flat[1], -0.01 * 0.1 / np.sqrt(0.001), rtol=1e-4)
