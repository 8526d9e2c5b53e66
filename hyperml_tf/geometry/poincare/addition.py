"""Möbius addition and the gyration it induces. Conventions: see the package docstring."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.numerics import Tensor


def mobius_add(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Möbius addition `x (+)_c y`.

    The textbook fraction `((1 + 2c<x,y> + c|y|^2) x + (1 - c|x|^2) y) / (1 + 2c<x,y> + c^2|x|^2|y|^2)` is evaluated as

        ((1 - c|x|^2)(x + y) + c|x + y|^2 x) / ((1 - c|x|^2)(1 - c|y|^2) + c|x + y|^2)

    which is the same number, but its denominator is a sum of positive terms: nothing cancels when `y` is close to `-x`.

    Args:
        x: points, `(..., dim)`.
        y: points, `(..., dim)`; leading axes broadcast.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is `x + y`.

    Returns:
        Points of the ball, `(..., dim)`.

    Example:

    >>> mobius_add([0.5, 0.0], [0.5, 0.0], c=1.0).numpy().astype(float).round(4).tolist()
    [0.8, 0.0]
    """
    x, y, c = numerics.promote(x, y, c)
    c = column(c)
    return project_working(add_working(x, y, c), c)


def add_working(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """`mobius_add` for promoted tensors and a `column` `c`, without the final projection."""
    gap_x = gap(x, c)
    total = x + y
    s = c * numerics.squared_norm(total)
    return (gap_x * total + s * x) / (gap_x * gap(y, c) + s)


def gyration(u: Tensor, v: Tensor, w: Tensor, c: Tensor) -> Tensor:
    """`gyr[u, v] w = -(u (+) v) (+) (u (+) (v (+) w))`, the rotation by which Möbius addition fails to be associative.

    Evaluated in closed form, so `w` may be any vector, not only a point of the ball: `gyr[u, v] w = w + 2 (a u + b v) / d`
    with `d = (1 - c|u|^2)(1 - c|v|^2) + c|u + v|^2` (Ungar 2005).

    Args:
        u: points, `(..., dim)`.
        v: points, `(..., dim)`.
        w: vectors, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it returns `w`.

    Returns:
        Vectors, `(..., dim)`, of the same norm as `w`.

    Example:

    >>> gyration([0.1, 0.2], [0.3, 0.4], [0.5, 0.6], c=0.0).numpy().astype(float).round(4).tolist()
    [0.5, 0.6]
    """
    u, v, w, c = numerics.promote(u, v, w, c)
    c = column(c)
    uw, vw, uv = _dot(u, w), _dot(v, w), _dot(u, v)
    a = c * vw * (1.0 + 2.0 * c * uv) - c * c * uw * numerics.squared_norm(v)
    b = -c * (uw + c * vw * numerics.squared_norm(u))
    d = gap(u, c) * gap(v, c) + c * numerics.squared_norm(u + v)
    return w + 2.0 * (a * u + b * v) / d


def _dot(x: Tensor, y: Tensor) -> Tensor:
    return tf.reduce_sum(x * y, axis=-1, keepdims=True)
