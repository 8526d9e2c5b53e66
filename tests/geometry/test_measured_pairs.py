"""Distances of pairs of measured points, compared with the functions for single points, and with float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.measured import MeasuredPoints, measure
from hyperml_tf.geometry.poincare.pairs import Pairs

DIM = 4


def points(n: int, c: float, radius: float, seed: int, dtype: str = "float32") -> tf.Tensor:
    """Points with `sqrt(c)|x| <= radius`, of which one is the origin and one has that radius."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n, DIM))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = radius * rng.random((n, 1))
    radii[:2] = [[0.0], [radius]]
    return poincare.project(tf.constant(directions * radii / np.sqrt(c or 1.0), dtype), c)


# Pairs of each query with its positive, in the same row of `y`, and with two of the other rows, from the fifth on.
CHOSEN = tf.constant([[1, 2], [1, 5], [0, 4], [5, 5]])
POSITIONS = tf.concat([tf.range(4)[:, tf.newaxis], 4 + CHOSEN], axis=1)


def paired(x: tf.Tensor, y: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    pairs = Pairs.with_shared(measure(x, c), measure(y, c), CHOSEN)
    return pairs.squared_distance(c), pairs.tangent_distance()


def composed(x: tf.Tensor, y: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The same distances, computed for each pair separately."""
    near, far = x[:, tf.newaxis], tf.gather(y, POSITIONS)
    tangent = poincare.logmap0(near, c) - poincare.logmap0(far, c)
    return poincare.squared_distance(near, far, c), numerics.safe_norm(tangent, keepdims=False)


def weighted(squared: tf.Tensor, tangent: tf.Tensor) -> tf.Tensor:
    """A weighted sum of the distances."""
    return tf.reduce_sum(squared * [1.0, -2.0, 0.5]) + tf.reduce_sum(tangent * [0.3, 1.0, -1.0])


@pytest.mark.parametrize("c", [0.0, 1e-6, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("radius", [1e-3, 0.5, 0.999, 1.0])
def test_distances_are_those_of_the_geometry(c: float, radius: float) -> None:
    c = float(np.float32(c))  # the rounding of c would dominate near the boundary
    x, y = points(4, c, radius, seed=0), points(10, c, radius, seed=1)
    y = tf.concat([y[:4], x[2:3], y[5:]], axis=0)  # a candidate at its query
    got = paired(x, y, tf.constant(c))
    exact = composed(tf.cast(x, tf.float64), tf.cast(y, tf.float64), c)
    for value, expected in zip(got, exact, strict=True):
        assert value.dtype == tf.float32
        # The float64 distances are those of the same rounded points.
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-6)
    assert float(got[0][2, 1]) == float(got[1][2, 1]) == 0.0


@pytest.mark.parametrize("c", [0.0, 1e-6, 0.3, 1.0])
@pytest.mark.parametrize("radius", [0.5, 0.999])
def test_gradients_are_those_of_the_geometry(c: float, radius: float) -> None:
    x, y = points(4, c, radius, 0, "float64"), points(10, c, radius, 1, "float64")
    found, curvature = [], tf.constant(c, tf.float64)
    for function in (paired, composed):
        with tf.GradientTape() as tape:
            tape.watch([x, y, curvature])
            value = weighted(*function(x, y, curvature))
        found.append([tf.convert_to_tensor(g) for g in tape.gradient(value, [x, y, curvature])])
    for got, expected in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("c", [0.0, 0.3, 1.0])
def test_gradients_are_finite_differences(c: float) -> None:
    x, y = points(4, c, 0.9, 0, "float64"), points(12, c, 0.9, 1, "float64")[2:]  # no pair of equal points: a kink
    random = np.random.default_rng(2)
    # Along one direction of all inputs together. The curvature only grows: at c = 0 there is nothing on the other side.
    inputs = [x, y, tf.constant(c, tf.float64)]
    direction = [random.normal(size=x.shape), random.normal(size=y.shape), 1.0]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = weighted(*paired(*inputs))
    slopes = tape.gradient(value, inputs)
    actual = sum(float(tf.reduce_sum(slope * d)) for slope, d in zip(slopes, direction, strict=True))
    step = 1e-5
    values = [
        float(weighted(*paired(*(a + k * step * d for a, d in zip(inputs, direction, strict=True))))) for k in range(4)
    ]
    expected = np.dot([-11 / 6, 3.0, -3 / 2, 1 / 3], values) / step
    assert actual == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("c", [0.0, 1e-8, 1.0])
def test_gradients_are_finite_everywhere(c: float) -> None:
    x = points(4, c, 1.0, seed=0)
    y = tf.concat([x, x, tf.zeros([2, DIM])], axis=0)  # equal points, the origin twice, the boundary
    curvature = tf.constant(c)
    with tf.GradientTape() as tape:
        tape.watch([x, y, curvature])
        squared, tangent = paired(x, y, curvature)
        value = tf.reduce_sum(squared) + tf.reduce_sum(tangent)
    assert all(np.isfinite(g).all() for g in tape.gradient(value, [x, y, curvature]))


@pytest.mark.parametrize("count", [1, 2])
def test_own_candidates_equal_shared_ones_in_order(count: int) -> None:
    c, x, y = tf.constant(1.0), points(4, 1.0, 0.9, seed=0), points(4 + 4 * count, 1.0, 0.9, seed=1)
    positions = tf.reshape(tf.range(4 * count), [4, count])
    found = []
    for make, candidates in ((Pairs.with_own, count), (Pairs.with_shared, positions)):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            pairs = make(measure(x, c), measure(y, c), candidates)
            both = pairs.squared_distance(c), pairs.tangent_distance()
        found.append([*both, *tape.gradient(both, [x, y])])
    for got, expected in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("c", [0.0, 1.0])
def test_measured_numbers_are_those_of_the_geometry(c: float) -> None:
    x = points(6, c, 1.0, seed=3)
    measured = measure(x, c)
    np.testing.assert_allclose(measured.squared_norm, numerics.squared_norm(x), rtol=1e-6)
    np.testing.assert_array_equal(measured.conformal_factor(), poincare.conformal_factor(x, c, keepdims=True))
    np.testing.assert_allclose(x * measured.logmap0_factor, poincare.logmap0(x, c), rtol=1e-6)


def test_measured_points_can_be_cut_and_grouped() -> None:
    x = points(6, 1.0, 0.9, seed=3)
    measured = measure(x, 1.0)
    for got, expected in (
        (measured.rows(2, 5), measure(x[2:5], 1.0)),
        (measured.grouped(3).rows(1), measure(x[3:], 1.0)),
    ):
        for numbers, same in zip(got, expected, strict=True):
            np.testing.assert_array_equal(tf.reshape(numbers, same.shape), same)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = sum(tf.reduce_sum(numbers) for numbers in measure(x, 1.0).detached())
    assert tape.gradient(value, x) is None
    assert isinstance(measured.detached(), MeasuredPoints)
