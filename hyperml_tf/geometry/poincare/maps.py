"""Exponential and logarithmic maps, and parallel transport. Conventions: see the package docstring."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.addition import add_working, gyration
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.numerics import Tensor


def expmap0(v: Tensor, c: Tensor) -> Tensor:
    """Exponential map at the origin, `tanh(sqrt(c)|v|) v / (sqrt(c)|v|)`.

    The point at distance `lambda_0 |v| = 2|v|` from the origin, in the direction of `v`.

    Args:
        v: tangent vectors at the origin, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is the identity.

    Returns:
        Points of the ball, `(..., dim)`. Beyond `sqrt(c)|v|` of about 6.3 (float32) or 13.9 (float64) the result stays at
        the limit radius and the gradient keeps only its tangential part.

    Example:

    >>> float(expmap0([0.0, 0.5], c=1.0)[1])  # doctest: +ELLIPSIS
    0.46211...
    """
    v, c = numerics.promote(v, c)
    c = column(c)
    return v * expmap0_factor(c * numerics.squared_norm(v))


def expmap0_factor(s: Tensor) -> Tensor:
    """What `expmap0` multiplies a tangent vector by, from `s = c|v|^2`, `(..., 1)`, of the working dtype.

    The projection is part of it: the length of the result follows from `s`, so no second pass over the vectors is needed.
    """
    ratio = numerics.tanh_ratio(s)
    limit = numerics.ball_limit(s.dtype)
    outside = s * tf.square(ratio) > limit * limit
    return tf.where(outside, limit / tf.sqrt(tf.where(outside, s, tf.ones_like(s))), ratio)


def logmap0(y: Tensor, c: Tensor) -> Tensor:
    """Logarithmic map at the origin, the inverse of `expmap0`: `artanh(sqrt(c)|y|) y / (sqrt(c)|y|)`.

    Args:
        y: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is the identity.

    Returns:
        Tangent vectors at the origin, `(..., dim)`, of norm `d(0, y) / 2`.

    Example:

    >>> float(logmap0([0.0, 0.5], c=1.0)[1])  # doctest: +ELLIPSIS
    0.54930...
    """
    y, c = numerics.promote(y, c)
    c = column(c)
    return y * logmap0_factor(numerics.squared_norm(y), gap(y, c), c)


def logmap0_factor(squared_norm: Tensor, gap: Tensor, c: Tensor) -> Tensor:
    """What `logmap0` multiplies a point by, from its `|y|^2` and `1 - c|y|^2`, both `(..., 1)`."""
    # artanh(sqrt(s)) = asinh(sqrt(s / (1 - s))), which does not lose digits as s -> 1.
    inverse_gap = 1.0 / gap
    return tf.sqrt(inverse_gap) * numerics.asinh_ratio(c * squared_norm * inverse_gap)


def expmap(x: Tensor, v: Tensor, c: Tensor) -> Tensor:
    """Exponential map at `x`: `x (+) tanh(sqrt(c) lambda_x |v| / 2) v / (sqrt(c)|v|)`.

    Args:
        x: base points, `(..., dim)`.
        v: tangent vectors at `x`, `(..., dim)`; the geodesic has length `lambda_x |v|`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is `x + v`.

    Returns:
        Points of the ball, `(..., dim)`. A geodesic longer than 12.7 (float32) or 27.7 (float64), times `1/sqrt(c)`, is
        walked that far only.

    Example:

    >>> expmap([1.0, 1.0], [0.0, 2.0], c=0.0).numpy().tolist()
    [1.0, 3.0]
    """
    x, v, c = numerics.promote(x, v, c)
    c = column(c)
    step = v / gap(x, c)  # lambda_x / 2 * v
    step = project_working(step * numerics.tanh_ratio(c * numerics.squared_norm(step)), c)
    return project_working(add_working(x, step, c), c)


def logmap(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Logarithmic map at `x`, the inverse of `expmap`: the tangent vector at `x` whose geodesic reaches `y` at time 1.

    The textbook form `2 / (sqrt(c) lambda_x) artanh(sqrt(c)|w|) w / |w|`, `w = (-x) (+) y`, is computed from the chord
    `r^2 = |x - y|^2 / ((1 - c|x|^2)(1 - c|y|^2))`, through `|w|^2 = r^2 / (1 + c r^2)`, so that far points do not saturate.

    Args:
        x: base points, `(..., dim)`.
        y: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is `y - x`.

    Returns:
        Tangent vectors at `x`, `(..., dim)`, with `lambda_x |v| = d(x, y)`.

    Example:

    >>> logmap([1.0, 1.0], [1.0, 3.0], c=0.0).numpy().tolist()
    [0.0, 2.0]
    """
    x, y, c = numerics.promote(x, y, c)
    c = column(c)
    gap_x = gap(x, c)
    s = c * numerics.squared_norm(x - y) / gap_x / gap(y, c)
    return add_working(-x, y, c) * (gap_x * tf.sqrt(1.0 + s) * numerics.asinh_ratio(s))


def parallel_transport(x: Tensor, y: Tensor, v: Tensor, c: Tensor) -> Tensor:
    """Carries the tangent vector `v` at `x` along the geodesic to `y`: `gyr[y, -x] v * lambda_x / lambda_y`.

    Args:
        x: base points, `(..., dim)`.
        y: target points, `(..., dim)`.
        v: tangent vectors at `x`, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it returns `v`.

    Returns:
        Tangent vectors at `y`, `(..., dim)`, of the same Riemannian length.

    Example:

    >>> parallel_transport([0.0, 0.0], [0.5, 0.0], [0.0, 1.0], c=1.0).numpy().tolist()
    [0.0, 0.75]
    """
    x, y, v, c = numerics.promote(x, y, v, c)
    scale = gap(y, column(c)) / gap(x, column(c))
    return gyration(y, -x, v, c) * scale
