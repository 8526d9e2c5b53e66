"""RiemannianAdagrad agrees with Keras on Euclidean variables, and with the formulas in numpy on the ball."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import (
    apply_sparse,
    gradients,
    numpy_expmap,
    numpy_lambda,
    table,
)

from hyperml_tf.geometry import poincare
from hyperml_tf.optimizers import RiemannianAdagrad


@pytest.mark.parametrize("sparse", [False, True])
def test_euclidean_updates_are_those_of_keras(sparse: bool) -> None:
    ours, theirs = table(c=None), table(c=None)
    optimizer = RiemannianAdagrad(0.1, initial_accumulator_value=0.1, epsilon=1e-7)
    keras = tf.keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.1, epsilon=1e-7)
    for step in range(4):
        if sparse:  # the Adagrad of Keras is lazy on sparse gradients too
            apply_sparse(optimizer, ours, [1, 4, 1], gradients(step, 3))
            apply_sparse(keras, theirs, [1, 4, 1], gradients(step, 3))
        else:
            optimizer.apply_gradients([(tf.constant(gradients(step, 6)), ours)])
            keras.apply_gradients([(tf.constant(gradients(step, 6)), theirs)])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("initial", [0.0, 0.3])
@pytest.mark.parametrize(("c", "radius"), [(0.0, 0.5), (0.7, 0.9), (1.0, 0.95)])
def test_known_answers_on_the_ball(initial: float, c: float, radius: float) -> None:
    points = table(c=c, dtype="float64", radius=radius)
    x, accumulator = points.numpy(), np.full((6, 1), initial)
    optimizer = RiemannianAdagrad(0.5, initial_accumulator_value=initial)
    for step in range(5):
        egrad = gradients(step, 6, dtype="float64")
        apply_sparse(optimizer, points, range(6), egrad)
        rgrad = egrad / numpy_lambda(x, c) ** 2
        accumulator = accumulator + (numpy_lambda(x, c) * np.linalg.norm(rgrad, axis=1, keepdims=True)) ** 2
        x = numpy_expmap(x, -0.5 * rgrad / np.sqrt(accumulator), c)
    np.testing.assert_allclose(points, x, atol=1e-9)
    np.testing.assert_allclose(optimizer.variables[1], accumulator, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e6])
@pytest.mark.parametrize("c", [0.0, 1.0])
def test_the_first_step_has_the_length_of_the_learning_rate(scale: float, c: float) -> None:
    points = table(c=c)
    before = points.numpy()
    apply_sparse(RiemannianAdagrad(0.05), points, range(6), np.float32(scale) * gradients(0, 6))
    np.testing.assert_allclose(poincare.distance(before, points, c), 0.05, rtol=1e-3)


def test_a_zero_gradient_moves_nothing() -> None:
    points = table()
    before = points.numpy()
    apply_sparse(RiemannianAdagrad(), points, [0, 1], np.zeros((2, 3), np.float32))
    np.testing.assert_allclose(points, before, rtol=1e-6)
