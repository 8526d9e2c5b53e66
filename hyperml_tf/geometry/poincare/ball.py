"""Projection into the ball, and its metric. Conventions: see the docstring of `hyperml_tf.geometry.poincare`."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.shapes import check_dimension
from hyperml_tf.numerics import Tensor


def column(c: Tensor) -> Tensor:
    """`c` with a last axis of size 1, so that it broadcasts with `(..., dim)`."""
    return c[..., tf.newaxis]


def gap(x: Tensor, c: Tensor) -> Tensor:
    """`1 - c|x|^2`, `(..., 1)`, of a promoted `x`, with `c` a `column`.

    Near the boundary the difference cancels: in float32 its relative error would be 0.1 to 1 %, and so would that of distances
    and gradients. It is therefore computed with twice the digits of the dtype, and rounded once: in float64 for float32 points,
    and by compensated sums for float64 points, see docs/numerics.md.

    It is positive for all points of the ball. The lower bound of one machine epsilon is out of reach of projected points, and
    prevents a NaN for points that were not projected.
    """
    if x.dtype != tf.float64:
        return gap_of_norm(numerics.wide_squared_norm(x), c, x.dtype)
    # The gradient is that of the plain difference, which needs no more digits than `x` has.
    plain = 1.0 - c * numerics.squared_norm(x)
    value = plain + tf.stop_gradient(_compensated_gap(x, c) - plain)
    return tf.maximum(value, numerics.eps(x.dtype))


def _compensated_gap(x: Tensor, c: Tensor) -> Tensor:
    """`1 - c|x|^2` of float64 points with about 75 bits.

    All large terms are exact: products of numbers of 24 bits, and sums of multiples of one unit. So the result does not depend on
    whether a compiler fuses multiplications and additions.
    """
    (high, low), (c_high, c_low) = numerics.halves(x), numerics.halves(c)
    square = high * high
    unit = 4.0 * tf.reduce_sum(square, axis=-1, keepdims=True)
    leading = (unit + square) - unit
    rest = tf.reduce_sum((square - leading) + (2.0 * high + low) * low, axis=-1, keepdims=True)
    sum_high, sum_low = numerics.halves(tf.reduce_sum(leading, axis=-1, keepdims=True))
    return (1.0 - c_high * sum_high) - (c_high * sum_low + c_low * (sum_high + sum_low) + c * rest)


def gap_of_norm(wide_squared_norm: Tensor, c: Tensor, dtype: tf.DType) -> Tensor:
    """`gap`, in `dtype`, from a squared norm in float64."""
    value = 1.0 - wide_squared_norm * tf.cast(c, tf.float64)
    return tf.maximum(tf.cast(value, dtype), numerics.eps(dtype))


def project(x: Tensor, c: Tensor) -> Tensor:
    """Projection into the ball: points outside, or too close to the boundary, are moved towards the origin.

    Points with `sqrt(c)|x| <= 1 - eps^(3/4)` are unchanged, the others get that norm. The radial part of the gradient of a moved
    point is 0.

    Args:
        x: Tensor of vectors, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points, `(..., dim)`; `x` at `c = 0`.

    Example:

    >>> project([[0.3, 0.4], [3.0, 4.0]], c=1.0).numpy().round(4)
    array([[0.3, 0.4],
           [0.6, 0.8]], dtype=float32)
    """
    x, c = numerics.promote(x=x, c=c)
    return project_working(x, column(c))


def project_working(x: Tensor, c: Tensor) -> Tensor:
    """`project` of promoted tensors, with `c` a `column`."""
    limit = numerics.ball_limit(x.dtype)
    s = c * numerics.squared_norm(x)
    outside = s > limit * limit
    scale = limit / tf.sqrt(tf.where(outside, s, tf.ones_like(s)))  # rsqrt is off by 3 ulp, which is 4 % of the gap
    return tf.where(outside, x * scale, x)


def conformal_factor(x: Tensor, c: Tensor, keepdims: bool = False) -> Tensor:
    """Conformal factor `lambda_x = 2 / (1 - c|x|^2)`, the ratio of hyperbolic to Euclidean length at `x`.

    Args:
        x: Tensor of points, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.
        keepdims: Boolean, whether the result keeps a last axis of size 1. Defaults to `False`.

    Returns:
        Conformal factors, `(...)`, or `(..., 1)` with `keepdims`. They are 2 at the origin and at `c = 0`, and at most about
        `1 / eps^(3/4)` at the boundary (156,000 in float32).

    Example:

    >>> conformal_factor([[0.0, 0.0], [0.0, 0.5]], c=1.0).numpy().round(4)
    array([2.    , 2.6667], dtype=float32)
    """
    x, c = numerics.promote(x=x, c=c)
    value = 2.0 / gap(x, column(c))
    return value if keepdims else tf.squeeze(value, -1)


def egrad2rgrad(x: Tensor, gradient: Tensor, c: Tensor) -> Tensor:
    """Riemannian gradient of a function at `x`, from its Euclidean gradient: `gradient / lambda_x^2`.

    Args:
        x: Tensor of points, `(..., dim)`.
        gradient: Tensor of Euclidean gradients at `x`, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Tangent vectors at `x`, `(..., dim)`. They are `gradient / 4` at `c = 0`, and tend to 0 at the boundary.

    Reference:
        - [Nickel and Kiela, Poincaré Embeddings, 2017](https://arxiv.org/abs/1705.08039)

    Example:

    >>> egrad2rgrad([0.0, 0.0], [4.0, 8.0], c=1.0).numpy()
    array([1., 2.], dtype=float32)
    """
    x, gradient, c = numerics.promote(x=x, gradient=gradient, c=c)
    check_dimension(x=x, gradient=gradient)
    return gradient * tf.square(gap(x, column(c)) / 2.0)
