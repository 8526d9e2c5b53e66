"""Scaling, linear maps and means of points. Conventions: see the package docstring."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.addition import add_working
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.geometry.poincare.maps import expmap0, logmap0
from hyperml_tf.numerics import Tensor


def mobius_scalar_mul(r: Tensor, x: Tensor, c: Tensor) -> Tensor:
    """Möbius scalar multiplication `r (x)_c x = expmap0(r logmap0(x))`, the point at `r` times the distance from the origin.

    Args:
        r: factors, a number or `(...)`.
        x: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is `r * x`.

    Returns:
        Points of the ball, `(..., dim)`.

    Example:

    >>> mobius_scalar_mul(2.0, [0.5, 0.0], c=1.0).numpy().astype(float).round(4).tolist()
    [0.8, 0.0]
    """
    r, x, c = numerics.promote(r, x, c)
    return expmap0(column(r) * logmap0(x, c), c)


def mobius_matvec(matrix: Tensor, x: Tensor, c: Tensor) -> Tensor:
    """Möbius matrix-vector product `M (x)_c x = expmap0(M logmap0(x))`.

    Args:
        matrix: `(out_dim, dim)`, or `(..., out_dim, dim)` with leading axes that broadcast.
        x: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is `M x`.

    Returns:
        Points of the ball, `(..., out_dim)`.

    Example:

    >>> mobius_matvec([[0.0, 1.0], [1.0, 0.0]], [0.5, 0.25], c=1.0).numpy().astype(float).round(4).tolist()
    [0.25, 0.5]
    """
    matrix, x, c = numerics.promote(matrix, x, c)
    v = logmap0(x, c)
    # One matrix for all points is one matrix product; `matvec` would run a small product a point (60 times slower).
    shared = matrix.shape.rank == 2
    return expmap0(tf.tensordot(v, matrix, [[-1], [1]]) if shared else tf.linalg.matvec(matrix, v), c)


def gyromidpoint(x: Tensor, c: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted Möbius gyromidpoint of a set of points.

    `1/2 (x) ( sum_i w_i lambda_i x_i / sum_i w_i (lambda_i - 1) )`: the centroid on the hyperboloid, brought back to the ball.

    Args:
        x: points, `(..., n, dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is the weighted mean.
        weights: non-negative weights, `(..., n)`; equal if None. A set whose weights are all 0 (an empty history) has its
            midpoint at the origin.

    Returns:
        Points of the ball, `(..., dim)`.

    Example:

    >>> gyromidpoint([[0.5, 0.0], [-0.5, 0.0]], c=1.0).numpy().tolist()
    [0.0, 0.0]
    """
    if weights is None:
        weights = tf.ones(tf.shape(x)[:-1], numerics.working_dtype(x, c))
    x, c, weights = numerics.promote(x, c, weights)
    c = column(c)
    weights = weights[..., tf.newaxis]
    # The closed form below loses points near the boundary to rounding. The midpoint commutes with translations, so it is taken
    # again around its own first estimate, where nothing cancels. The estimate has no influence on the exact result.
    center = tf.stop_gradient(_closed_form_midpoint(x, c, weights))
    moved = add_working(-center[..., tf.newaxis, :], x, c[..., tf.newaxis, :])
    return project_working(add_working(center, _closed_form_midpoint(moved, c, weights), c), c)


def _closed_form_midpoint(x: Tensor, c: Tensor, weights: Tensor) -> Tensor:
    factor = 2.0 / gap(x, c[..., tf.newaxis, :])
    weight = tf.reduce_sum(weights * (factor - 1.0), axis=-2)
    total = tf.reduce_sum(weights * factor * x, axis=-2)
    mean = total / tf.where(weight > 0, weight, tf.ones_like(weight))
    # 1/2 (x) y in closed form: y / (1 + sqrt(1 - c|y|^2)).
    return project_working(mean / (1.0 + tf.sqrt(gap(mean, c))), c)
