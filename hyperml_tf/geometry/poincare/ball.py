"""The ball and its metric: staying inside it, the conformal factor, gradients. Conventions: see the package docstring."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.numerics import Tensor


def column(c: Tensor) -> Tensor:
    """`c` with a last axis of size 1, so that it broadcasts against `(..., dim)`."""
    return c[..., tf.newaxis]


def gap(x: Tensor, c: Tensor) -> Tensor:
    """`1 - c|x|^2`, shape `(..., 1)`, for working-dtype `x` and a `column` `c`.

    Near the boundary the difference cancels: in float32 its error would be 0.1 to 1 %, and with it that of every distance and
    gradient there. So it is formed in float64 and rounded once (measured in docs/numerics.md).

    Positive for every point of the ball. The floor of one machine epsilon is below what a projected point can reach; it
    only keeps a point that was never projected from turning into NaN.
    """
    return gap_of_norm(numerics.wide_squared_norm(x), c, x.dtype)


def gap_of_norm(wide_squared_norm: Tensor, c: Tensor, dtype: tf.DType) -> Tensor:
    """`gap` in `dtype` for who has the squared norm in float64 at hand."""
    value = 1.0 - wide_squared_norm * tf.cast(c, tf.float64)
    return tf.maximum(tf.cast(value, dtype), numerics.eps(dtype))


def project(x: Tensor, c: Tensor) -> Tensor:
    """Moves points outside the ball, or too close to its boundary, radially back inside.

    Points with `sqrt(c)|x| <= 1 - eps^(3/4)` are returned unchanged, the others at that radius. At `c = 0` it is the identity.
    The gradient of a moved point has no radial part.

    Args:
        x: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Points of the ball, `(..., dim)`.

    Example:

    >>> float(tf.norm(project([[3.0, 4.0]], c=1.0)))  # doctest: +ELLIPSIS
    0.99999...
    """
    x, c = numerics.promote(x, c)
    return project_working(x, column(c))


def project_working(x: Tensor, c: Tensor) -> Tensor:
    """`project` for tensors already promoted, with `c` a `column`."""
    limit = numerics.ball_limit(x.dtype)
    s = c * numerics.squared_norm(x)
    outside = s > limit * limit
    scale = limit / tf.sqrt(tf.where(outside, s, tf.ones_like(s)))  # not rsqrt: its 3 ulp are 4 % of the gap
    return tf.where(outside, x * scale, x)


def conformal_factor(x: Tensor, c: Tensor, keepdims: bool = False) -> Tensor:
    """`lambda_x = 2 / (1 - c|x|^2)`, the local scale of the metric; 2 at the origin and everywhere at `c = 0`.

    Args:
        x: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0.
        keepdims: whether the result keeps a last axis of size 1.

    Returns:
        Conformal factors, `(...)` or `(..., 1)`. Near the boundary at most about `1 / eps^(3/4)`.

    Example:

    >>> float(conformal_factor([0.0, 0.5], c=1.0))  # doctest: +ELLIPSIS
    2.666666...
    """
    x, c = numerics.promote(x, c)
    value = 2.0 / gap(x, column(c))
    return value if keepdims else tf.squeeze(value, -1)


def egrad2rgrad(x: Tensor, gradient: Tensor, c: Tensor) -> Tensor:
    """The Riemannian gradient at `x` of a function with Euclidean gradient `gradient`: `gradient / lambda_x^2`.

    Args:
        x: points, `(..., dim)`.
        gradient: Euclidean gradients at those points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Tangent vectors at `x`, `(..., dim)`; `gradient / 4` at `c = 0`, vanishing towards the boundary.

    Example:

    >>> egrad2rgrad([0.0, 0.0], [4.0, 8.0], c=1.0).numpy().tolist()
    [1.0, 2.0]
    """
    x, gradient, c = numerics.promote(x, gradient, c)
    return gradient * tf.square(gap(x, column(c)) / 2.0)
