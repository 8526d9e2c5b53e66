"""Exponential and logarithmic maps, and parallel transport. Conventions: see `hyperml_tf.geometry.poincare`."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.addition import add_working, gyration
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.geometry.poincare.shapes import check_dimension
from hyperml_tf.numerics import Tensor


def expmap0(v: Tensor, c: Tensor) -> Tensor:
    """Exponential map at the origin, `tanh(sqrt(c)|v|) v / (sqrt(c)|v|)`.

    The result is in the direction of `v`, at distance `lambda_0 |v| = 2 |v|` from the origin.

    Args:
        v: Tensor of tangent vectors at the origin, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points, `(..., dim)`, projected into the ball; `v` at `c = 0`. The projection acts on vectors with `sqrt(c)|v|` above 6.3
        in float32, or 13.9 in float64, and removes the radial part of their gradient.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> expmap0([0.0, 0.5], c=1.0).numpy().round(4)
    array([0.    , 0.4621], dtype=float32)
    """
    v, c = numerics.promote(v=v, c=c)
    c = column(c)
    return v * expmap0_factor(c * numerics.squared_norm(v))


def expmap0_factor(s: Tensor) -> Tensor:
    """The factor by which `expmap0` scales a tangent vector, from `s = c|v|^2`, `(..., 1)`, promoted.

    It includes the projection, because the norm of the result follows from `s`.
    """
    ratio = numerics.tanh_ratio(s)
    limit = numerics.ball_limit(s.dtype)
    outside = s * tf.square(ratio) > limit * limit
    return tf.where(outside, limit / tf.sqrt(tf.where(outside, s, tf.ones_like(s))), ratio)


def logmap0(y: Tensor, c: Tensor) -> Tensor:
    """Logarithmic map at the origin, `artanh(sqrt(c)|y|) y / (sqrt(c)|y|)`, the inverse of `expmap0`.

    Args:
        y: Tensor of points, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Tangent vectors at the origin, `(..., dim)`, of norm `d(0, y) / 2`; `y` at `c = 0`.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> logmap0([0.0, 0.5], c=1.0).numpy().round(4)
    array([0.    , 0.5493], dtype=float32)
    """
    y, c = numerics.promote(y=y, c=c)
    c = column(c)
    return y * logmap0_factor(numerics.squared_norm(y), gap(y, c), c)


def logmap0_factor(squared_norm: Tensor, gap: Tensor, c: Tensor) -> Tensor:
    """The factor by which `logmap0` scales a point, from its `|y|^2` and `1 - c|y|^2`, both `(..., 1)`."""
    # artanh(sqrt(s)) = asinh(sqrt(s / (1 - s))), which is accurate for s -> 1.
    inverse_gap = 1.0 / gap
    return tf.sqrt(inverse_gap) * numerics.asinh_ratio(c * squared_norm * inverse_gap)


def expmap(x: Tensor, v: Tensor, c: Tensor) -> Tensor:
    """Exponential map at `x`: `x (+)_c ( tanh(sqrt(c) lambda_x |v| / 2) v / (sqrt(c)|v|) )`.

    It follows the geodesic that starts at `x` in the direction of `v`, for the length `lambda_x |v|`.

    Args:
        x: Tensor of base points, `(..., dim)`.
        v: Tensor of tangent vectors at `x`, `(..., dim)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points, `(..., dim)`, projected into the ball; `x + v` at `c = 0`. The length of a geodesic is limited to `12.7 / sqrt(c)`
        in float32, and `27.7 / sqrt(c)` in float64.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> expmap([0.0, 0.5], [0.0, 0.2], c=1.0).numpy().round(4)
    array([0.    , 0.6729], dtype=float32)
    """
    x, v, c = numerics.promote(x=x, v=v, c=c)
    check_dimension(x=x, v=v)
    c = column(c)
    step = v / gap(x, c)  # lambda_x / 2 * v
    step = project_working(step * numerics.tanh_ratio(c * numerics.squared_norm(step)), c)
    return project_working(add_working(x, step, c), c)


def logmap(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Logarithmic map at `x`, the inverse of `expmap`: the tangent vector at `x` whose geodesic ends at `y`.

    The usual formula is `2 / (sqrt(c) lambda_x) artanh(sqrt(c)|w|) w / |w|` with `w = (-x) (+)_c y`. It is computed from
    `r^2 = |x - y|^2 / ((1 - c|x|^2)(1 - c|y|^2))` and `|w|^2 = r^2 / (1 + c r^2)`, which does not saturate for distant points.

    Args:
        x: Tensor of base points, `(..., dim)`.
        y: Tensor of points, `(..., dim)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Tangent vectors `v` at `x`, `(..., dim)`, with `lambda_x |v| = d(x, y)`; `y - x` at `c = 0`.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> logmap([0.0, 0.5], [0.0, 0.8], c=1.0).numpy().round(4)
    array([0.   , 0.412], dtype=float32)
    """
    x, y, c = numerics.promote(x=x, y=y, c=c)
    check_dimension(x=x, y=y)
    c = column(c)
    gap_x = gap(x, c)
    s = c * numerics.squared_norm(x - y) / gap_x / gap(y, c)
    return add_working(-x, y, c) * (gap_x * tf.sqrt(1.0 + s) * numerics.asinh_ratio(s))


def parallel_transport(x: Tensor, y: Tensor, v: Tensor, c: Tensor) -> Tensor:
    """Parallel transport of a tangent vector from `x` along the geodesic to `y`: `gyr[y, -x] v * lambda_x / lambda_y`.

    Args:
        x: Tensor of base points, `(..., dim)`.
        y: Tensor of target points, `(..., dim)`. Leading axes broadcast.
        v: Tensor of tangent vectors at `x`, `(..., dim)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Tangent vectors at `y`, `(..., dim)`, of the same Riemannian norm; `v` at `c = 0`.

    Reference:
        - A. Ungar, Analytic Hyperbolic Geometry, 2005
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> parallel_transport([0.0, 0.0], [0.5, 0.0], [0.0, 1.0], c=1.0).numpy()
    array([0.  , 0.75], dtype=float32)
    """
    x, y, v, c = numerics.promote(x=x, y=y, v=v, c=c)
    check_dimension(x=x, y=y, v=v)
    scale = gap(y, column(c)) / gap(x, column(c))
    return gyration(y, -x, v, c) * scale
