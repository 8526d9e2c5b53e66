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

    Evaluated in closed form, so `w` may be any vector, not only a point of the ball. Ungar's (2005)
    `gyr[u, v] w = w + 2 (a u + b v) / d` is rewritten in terms of `p = u + v`,

        w + 2c ( ((1 - c|v|^2) <p,w> + c|p|^2 <v,w>) u + ((1 - c|u|^2) <v,w> - <p,w>) p ) / d
        d = (1 - c|u|^2)(1 - c|v|^2) + c|p|^2

    because `d` is tiny when `u` and `-v` are close and near the boundary (parallel transport over a short way): here the
    numerator is a sum of terms as small as `d`, not a cancelling difference of large ones.

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
    p = u + v
    gap_u, gap_v = gap(u, c), gap(v, c)
    pw, vw, s = _dot(p, w), _dot(v, w), c * numerics.squared_norm(p)
    turned = (gap_v * pw + s * vw) * u + (gap_u * vw - pw) * p
    return w + 2.0 * c * turned / (gap_u * gap_v + s)


def _dot(x: Tensor, y: Tensor) -> Tensor:
    return tf.reduce_sum(x * y, axis=-1, keepdims=True)
