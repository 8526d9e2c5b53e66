"""Steps converge, stay inside the ball however large they are, and depend continuously on the curvature at 0."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import EACH, OPTIMIZERS, apply_sparse, gradients, state, table

from hyperml_tf import numerics
from hyperml_tf.ball_variables import mark_on_ball
from hyperml_tf.geometry import poincare
from hyperml_tf.optimizers import RiemannianSGD


@EACH
@pytest.mark.parametrize("c", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_optimizer_finds_the_frechet_mean(name: str, c: float, dtype: str) -> None:
    """The mean squared distance to points of the ball has one stationary point, where the mean of the logarithms is 0."""
    targets = tf.constant(np.random.default_rng(7).uniform(-0.4, 0.4, (8, 3)).astype(dtype))
    mean = table(rows=1, c=c, dtype=dtype)
    schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay([60, 90, 120, 150], [0.2, 0.05, 0.01, 2e-3, 1e-4])
    optimizer = OPTIMIZERS[name](learning_rate=0.2 if name in ("sgd", "projection", "adagrad") else schedule)

    optimizer.build([mean])

    @tf.function
    def train(steps: int) -> None:
        for _ in tf.range(steps):
            optimizer.minimize(lambda: tf.reduce_mean(poincare.squared_distance(mean, targets, c)), [mean])

    train(180)
    residual = tf.reduce_mean(poincare.logmap(tf.convert_to_tensor(mean), targets, c), axis=0)
    np.testing.assert_allclose(residual, 0, atol=1e-3)


@EACH
@pytest.mark.parametrize("rate", [1e3, 1e8])
def test_points_stay_inside_however_large_the_step(name: str, rate: float) -> None:
    points = table(c=2.0)
    optimizer = OPTIMIZERS[name](learning_rate=rate)
    for step in range(4):
        apply_sparse(optimizer, points, range(6), 100 * gradients(step, 6))
        radius = np.sqrt(2.0) * np.linalg.norm(points.numpy().astype(np.float64), axis=1)
        assert (radius <= numerics.ball_limit(tf.float32) + 2e-7).all()
    assert np.isfinite(state(optimizer)[-1]).all()


@pytest.mark.slow
@EACH
def test_points_at_the_limit_radius_move_back(name: str) -> None:
    points = tf.Variable([[0.0, numerics.ball_limit(tf.float32)]])
    mark_on_ball(points, 1.0)
    optimizer = OPTIMIZERS[name](learning_rate=0.05)
    optimizer.build([points])

    @tf.function
    def step() -> tf.Tensor:
        optimizer.minimize(lambda: tf.reduce_sum(poincare.distance0(points, 1.0) ** 2), [points])
        return poincare.distance0(points, 1.0)[0]

    distances = [float(poincare.distance0(points, 1.0)[0]), *(float(step()) for _ in range(50))]
    assert distances[0] > 12
    assert distances[-1] < distances[0] - 0.2
    assert distances[1] < distances[0]


@EACH
def test_the_limit_of_small_curvature_is_curvature_zero(name: str) -> None:
    flat, nearly = table(c=0.0, dtype="float64"), table(c=1e-9, dtype="float64")
    for points in (flat, nearly):
        optimizer = OPTIMIZERS[name]()
        for step in range(3):
            apply_sparse(optimizer, points, range(6), gradients(step, 6, dtype="float64"))
    np.testing.assert_allclose(nearly, flat, atol=1e-7)


def test_rows_are_projected_when_a_learned_curvature_has_grown() -> None:
    raw = tf.Variable(-2.0)
    points = tf.Variable([[0.0, 0.9], [0.9, 0.0]])
    mark_on_ball(points, lambda: tf.exp(raw))
    optimizer = RiemannianSGD(1e-3)

    @tf.function
    def step() -> None:
        gradient = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]), tf.constant([2, 2]))
        optimizer.apply_gradients([(gradient, points)])

    step()
    np.testing.assert_allclose(points[0], [0.0, 0.9], atol=1e-2)
    raw.assign(np.log(4.0))
    step()
    np.testing.assert_allclose(np.linalg.norm(points[0]), 0.5, rtol=1e-4)
    np.testing.assert_array_equal(points[1], np.float32([0.9, 0.0]))


@EACH
@pytest.mark.parametrize("c", [None, 0.0, 1.0], ids=["flat", "c=0", "c=1"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_spoils_its_own_row_only(name: str, c: float | None, bad: float) -> None:
    points = table(c=c)
    apply_sparse(OPTIMIZERS[name](), points, [1, 2], np.float32([[bad, 0, 0], [1, 1, 1]]))
    finite = np.isfinite(points.numpy()).all(axis=1)
    np.testing.assert_array_equal(finite, [True, False, True, True, True, True])
