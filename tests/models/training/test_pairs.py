"""Distances of pairs from numbers of single points, against the geometry's own functions and float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.models.training.measured import measure
from hyperml_tf.models.training.pairs import Pairs

DIM = 4


def points(n: int, c: float, radius: float, seed: int, dtype: str = "float32") -> tf.Tensor:
    """Points up to `sqrt(c)|x| = radius`, one at the origin and one as far out as any."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n, DIM))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radii = radius * rng.random((n, 1))
    radii[:2] = [[0.0], [radius]]
    return poincare.project(tf.constant(directions * radii / np.sqrt(c or 1.0), dtype), c)


# Of each query its own row first, then rows counted from the fifth.
CHOSEN = tf.constant([[1, 2], [1, 5], [0, 4], [5, 5]])
POSITIONS = tf.concat([tf.range(4)[:, tf.newaxis], 4 + CHOSEN], axis=1)


def paired(x: tf.Tensor, y: tf.Tensor, c: float) -> tuple[tf.Tensor, tf.Tensor]:
    pairs = Pairs.of(measure(x, tf.constant(c, x.dtype)), measure(y, tf.constant(c, y.dtype)), CHOSEN)
    return pairs.squared_distance(tf.constant(c, x.dtype)), pairs.tangent_distance()


def composed(x: tf.Tensor, y: tf.Tensor, c: float) -> tuple[tf.Tensor, tf.Tensor]:
    """The same by the geometry's functions, pair by pair."""
    near, far = x[:, tf.newaxis], tf.gather(y, POSITIONS)
    tangent = poincare.logmap0(near, c) - poincare.logmap0(far, c)
    return poincare.squared_distance(near, far, c), numerics.safe_norm(tangent, keepdims=False)


@pytest.mark.parametrize("c", [0.0, 1e-6, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("radius", [1e-3, 0.5, 0.999, 1.0])
def test_distances_are_those_of_the_geometry(c: float, radius: float) -> None:
    c = float(np.float32(c))  # near the boundary the rounding of c alone is seen
    x, y = points(4, c, radius, seed=0), points(10, c, radius, seed=1)
    y = tf.concat([y[:4], x[2:3], y[5:]], axis=0)  # a candidate at its query
    got = paired(x, y, c)
    exact = composed(tf.cast(x, tf.float64), tf.cast(y, tf.float64), c)
    for value, expected in zip(got, exact, strict=True):
        assert value.dtype == tf.float32
        # Near the boundary float32 holds two digits of the gap of a point; float64 of the same point sees them exactly.
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=1e-6)
    assert float(got[0][2, 1]) == float(got[1][2, 1]) == 0.0


@pytest.mark.parametrize("c", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize("radius", [0.5, 0.999])
def test_gradients_are_those_of_the_geometry(c: float, radius: float) -> None:
    x, y = points(4, c, radius, 0, "float64"), points(10, c, radius, 1, "float64")
    found = []
    for function in (paired, composed):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            squared, tangent = function(x, y, c)
            value = tf.reduce_sum(squared * [1.0, -2.0, 0.5]) + tf.reduce_sum(tangent * [0.3, 1.0, -1.0])
        found.append([tf.convert_to_tensor(g) for g in tape.gradient(value, [x, y])])
    for got, expected in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("c", [0.0, 1e-8, 1.0])
def test_gradients_are_finite_everywhere(c: float) -> None:
    x = points(4, c, 1.0, seed=0)
    y = tf.concat([x, x, tf.zeros([2, DIM])], axis=0)  # equal points, the origin twice, the boundary
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        squared, tangent = paired(x, y, c)
        value = tf.reduce_sum(squared) + tf.reduce_sum(tangent)
    assert all(np.isfinite(g).all() for g in tape.gradient(value, [x, y]))


@pytest.mark.parametrize("count", [1, 2])
def test_candidates_of_ones_own_need_no_positions(count: int) -> None:
    c, x, y = tf.constant(1.0), points(4, 1.0, 0.9, seed=0), points(4 + 4 * count, 1.0, 0.9, seed=1)
    positions = tf.reshape(tf.range(4 * count), [4, count])
    found = []
    for chosen in (count, positions):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            pairs = Pairs.of(measure(x, c), measure(y, c), chosen)
            both = pairs.squared_distance(c), pairs.tangent_distance()
        found.append([*both, *tape.gradient(both, [x, y])])
    for got, expected in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)
