"""Scaling, linear maps and means of points. Conventions: see the docstring of `hyperml_tf.geometry.poincare`."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.addition import add_working
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.geometry.poincare.maps import expmap0, logmap0
from hyperml_tf.geometry.poincare.shapes import check_weights
from hyperml_tf.numerics import Tensor


def mobius_scalar_mul(r: Tensor, x: Tensor, c: Tensor) -> Tensor:
    """Möbius scalar multiplication `r (x)_c x = expmap0(r logmap0(x))`.

    The result is on the geodesic through `x` and the origin, at `|r|` times the distance of `x` from the origin.

    Args:
        r: Float or tensor `(...)`, the factor.
        x: Tensor of points, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points, `(..., dim)`, projected into the ball; `r * x` at `c = 0`.

    Reference:
        - A. Ungar, Analytic Hyperbolic Geometry, 2005
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> mobius_scalar_mul(2.0, [0.5, 0.0], c=1.0).numpy().round(4)
    array([0.8, 0. ], dtype=float32)
    """
    r, x, c = numerics.promote(r=r, x=x, c=c)
    return expmap0(column(r) * logmap0(x, c), c)


def mobius_matvec(matrix: Tensor, x: Tensor, c: Tensor) -> Tensor:
    """Möbius matrix-vector product `M (x)_c x = expmap0(M logmap0(x))`.

    Args:
        matrix: Tensor `(out_dim, dim)`, the matrix of all points, or `(..., out_dim, dim)`. Leading axes broadcast.
        x: Tensor of points, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points, `(..., out_dim)`, projected into the ball; `M x` at `c = 0`.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> mobius_matvec([[0.0, 1.0], [1.0, 0.0]], [0.5, 0.25], c=1.0).numpy().round(4)
    array([0.25, 0.5 ], dtype=float32)
    """
    matrix, x, c = numerics.promote(matrix=matrix, x=x, c=c)
    v = logmap0(x, c)
    # With one matrix for all points, `matvec` would compute one small product per point, which is 60 times slower.
    shared = matrix.shape.rank == 2
    return expmap0(tf.tensordot(v, matrix, [[-1], [1]]) if shared else tf.linalg.matvec(matrix, v), c)


def gyromidpoint(x: Tensor, c: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted Möbius gyromidpoint of a set of points, `1/2 (x)_c ( sum_i w_i lambda_i x_i / sum_i w_i (lambda_i - 1) )`.

    It is the Lorentzian centroid of the points on the hyperboloid. Translations and rotations move it together with the points.

    Args:
        x: Tensor of points, `(..., n, dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.
        weights: Tensor of weights, `(..., n)`, >= 0. If `None`, all weights are 1. Defaults to `None`.

    Returns:
        Points, `(..., dim)`, projected into the ball: the weighted mean at `c = 0`, and the origin for a set whose weights are
        all 0, such as an empty history.

    Reference:
        - A. Ungar, Analytic Hyperbolic Geometry, 2005
        - [Shimizu et al., Hyperbolic Neural Networks++, 2021](https://arxiv.org/abs/2006.08210)

    Example:

    >>> gyromidpoint([[0.5, 0.0], [0.0, 0.0]], c=1.0).numpy().round(4)
    array([0.2679, 0.    ], dtype=float32)
    """
    if weights is None:
        weights = tf.ones(tf.shape(x)[:-1], numerics.working_dtype(x, c))
    x, c, weights = numerics.promote(x=x, c=c, weights=weights)
    check_weights(x, weights)
    dtype = x.dtype
    # In float64: the sums cancel near the boundary, and there are few of them.
    x, c, weights = (tf.cast(value, tf.float64) for value in (x, c, weights))
    c = column(c)
    weights = weights[..., tf.newaxis]
    # The closed form divides rounding errors by the gap of the midpoint. Since the midpoint commutes with translations, it is
    # computed a second time around the first estimate, where nothing cancels. In exact arithmetic the result does not depend on
    # the estimate.
    center = tf.stop_gradient(_closed_form_midpoint(x, c, weights))
    moved = _half(*_translated_sums(center[..., tf.newaxis, :], x, c[..., tf.newaxis, :], weights), c)
    return project_working(tf.cast(add_working(center, moved, c), dtype), tf.cast(c, dtype))


def _closed_form_midpoint(x: Tensor, c: Tensor, weights: Tensor) -> Tensor:
    factor = 2.0 / gap(x, c[..., tf.newaxis, :])
    total = tf.reduce_sum(weights * factor * x, axis=-2)
    return _half(total, tf.reduce_sum(weights * (factor - 1.0), axis=-2), c)


def _translated_sums(center: Tensor, x: Tensor, c: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """`sum_i w_i lambda_i x_i` and `sum_i w_i (lambda_i - 1)` of the points `-center (+) x`.

    These points are not computed, because far ones would be rounded to the boundary.
    """
    gap_center, gap_x = gap(center, c), gap(x, c)
    difference = x - center
    s = c * numerics.squared_norm(difference)
    product = gap_center * gap_x
    # lambda of `-center (+) x` is 2 (product + s) / product.
    total = tf.reduce_sum(weights * 2.0 * (gap_center * difference - s * center) / product, axis=-2)
    return total, tf.reduce_sum(weights * (1.0 + 2.0 * s / product), axis=-2)


def _half(total: Tensor, weight: Tensor, c: Tensor) -> Tensor:
    """`1/2 (x) (total / weight)`, in closed form: `1/2 (x) y = y / (1 + sqrt(1 - c|y|^2))`."""
    mean = total / tf.where(weight > 0, weight, tf.ones_like(weight))
    return project_working(mean / (1.0 + tf.sqrt(gap(mean, c))), c)
