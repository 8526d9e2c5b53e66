"""The formulas as arranged for the training step agree with `geometry.poincare`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.optimizers.poincare_ball import PoincareBall


def points_and_vectors(c: float, radius: float, length: float, dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    """Points at `sqrt(c) |x| = radius` with tangent vectors of Riemannian length `length`, in all directions."""
    rng = np.random.default_rng(3)
    x, v = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in rng.normal(size=(2, 64, 5)))
    v[:4] = x[:4] * [[1.0], [-1.0], [1.0], [-1.0]]  # straight out and straight back
    x *= radius / np.sqrt(max(c, 1.0))
    return tf.constant(x, dtype), tf.constant(v * length * (1 - c * np.sum(x * x, 1, keepdims=True)) / 2, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("c", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("radius", [0.0, 0.5, 0.99, 0.9999])
@pytest.mark.parametrize("length", [0.0, 1e-6, 0.1, 2.0])
def test_retr_is_the_exponential_map(dtype: str, c: float, radius: float, length: float) -> None:
    x, v = points_and_vectors(c, radius, length, dtype)
    wide_x, wide_v = tf.cast(x, tf.float64), tf.cast(v, tf.float64)
    manifold = PoincareBall(x, c, "expmap")
    moved = manifold.retr(v)
    expected = poincare.expmap(wide_x, wide_v, c)
    assert moved.dtype == x.dtype
    # The error as a distance on the manifold, against that of rounding the coordinates at either end.
    error = poincare.distance(tf.cast(moved, tf.float64), expected, c)
    factor = np.maximum(poincare.conformal_factor(expected, c), poincare.conformal_factor(wide_x, c))
    scale = 1.0 if c else max(1.0, float(tf.reduce_max(tf.abs(expected))))
    assert (error.numpy() <= 32 * numerics.eps(x.dtype) * factor * scale).all()


@pytest.mark.parametrize("c", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("radius", [0.0, 0.5, 0.99])
def test_gradients_inner_products_and_transport_agree_with_the_geometry(c: float, radius: float) -> None:
    x, v = points_and_vectors(c, radius, 0.3, "float64")
    manifold = PoincareBall(x, c, "expmap")
    rgrad = poincare.egrad2rgrad(x, v, c)
    np.testing.assert_allclose(manifold.egrad2rgrad(v), rgrad, rtol=1e-12)
    factor = poincare.conformal_factor(x, c, keepdims=True)
    np.testing.assert_allclose(manifold.rgrad_component_inner(v), factor**2 * numerics.squared_norm(rgrad), rtol=1e-12)
    to = manifold.retr(v)
    lengths = numerics.safe_norm(manifold.transp(to, rgrad)) * poincare.conformal_factor(to, c, keepdims=True)
    np.testing.assert_allclose(lengths, numerics.safe_norm(rgrad) * factor, rtol=1e-9)


@pytest.mark.parametrize("length", [1e2, 1e10, 1e30])
def test_a_step_of_any_length_ends_just_inside(length: float) -> None:
    x, v = points_and_vectors(1.0, 0.5, length, "float32")
    radius = np.linalg.norm(PoincareBall(x, 1.0, "expmap").retr(v).numpy().astype(np.float64), axis=1)
    assert (radius <= numerics.ball_limit(tf.float32) + 3e-7).all()
    assert (radius >= 0.9999).all()
