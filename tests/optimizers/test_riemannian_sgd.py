"""RiemannianSGD agrees with Keras on Euclidean variables, and with the formulas in numpy on the ball."""

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

from hyperml_tf.optimizers import RiemannianSGD


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_dense_euclidean_updates_are_those_of_keras(momentum: float) -> None:
    ours, theirs = table(c=None), table(c=None)
    optimizer, keras = RiemannianSGD(0.1, momentum), tf.keras.optimizers.SGD(0.1, momentum)
    for step in range(4):
        gradient = tf.constant(gradients(step, 6))
        optimizer.apply_gradients([(gradient, ours)])
        keras.apply_gradients([(gradient, theirs)])
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize(("c", "radius"), [(0.0, 0.5), (0.7, 0.9), (1.0, 0.95)])
def test_known_answers_on_the_ball(momentum: float, c: float, radius: float) -> None:
    points = table(c=c, dtype="float64", radius=radius)
    x, v = points.numpy(), np.zeros((6, 3))
    optimizer = RiemannianSGD(0.5, momentum)
    for step in range(5):
        egrad = gradients(step, 6, dtype="float64")
        apply_sparse(optimizer, points, range(6), egrad)
        v = momentum * v - 0.5 * egrad / numpy_lambda(x, c) ** 2
        moved = numpy_expmap(x, v, c)
        x, v = moved, numpy_transport(x, moved, v, c)
    np.testing.assert_allclose(points, x, atol=1e-9)
    if momentum:
        np.testing.assert_allclose(optimizer.variables[1], v, atol=1e-9)


def test_projection_adds_and_projects() -> None:
    points = tf.Variable(table(rows=2, dtype="float64"))
    ball = table(rows=2, dtype="float64")
    x = points.numpy()
    egrad = np.array([[0.1, 0.2, 0.3], [400.0, 0.0, 0.0]])
    apply_sparse(RiemannianSGD(1.0, retraction="projection"), ball, [0, 1], egrad)
    expected = x - egrad / numpy_lambda(x, 1.0) ** 2
    np.testing.assert_allclose(ball[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(ball[1], expected[1] / np.linalg.norm(expected[1]), rtol=1e-9)


def test_no_slot_without_momentum() -> None:
    optimizer = RiemannianSGD()
    optimizer.build([table()])
    assert [v.name for v in optimizer.variables] == ["iteration:0"]
