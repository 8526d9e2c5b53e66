"""Möbius addition and gyration. Conventions: see the docstring of `hyperml_tf.geometry.poincare`."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.numerics import Tensor


def mobius_add(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Möbius addition `x (+)_c y`.

    The usual formula

        ((1 + 2c<x,y> + c|y|^2) x + (1 - c|x|^2) y) / (1 + 2c<x,y> + c^2|x|^2|y|^2)

    is evaluated in the equivalent form

        ((1 - c|x|^2)(x + y) + c|x + y|^2 x) / ((1 - c|x|^2)(1 - c|y|^2) + c|x + y|^2)

    whose denominator is a sum of positive terms, so that nothing cancels if `y` is close to `-x`.

    Args:
        x: Tensor of points, `(..., dim)`.
        y: Tensor of points, `(..., dim)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points, `(..., dim)`, projected into the ball; `x + y` at `c = 0`.

    Reference:
        - A. Ungar, Analytic Hyperbolic Geometry, 2005
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> mobius_add([0.5, 0.0], [0.5, 0.0], c=1.0).numpy().round(4)
    array([0.8, 0. ], dtype=float32)
    """
    x, y, c = numerics.promote(x, y, c)
    c = column(c)
    return project_working(add_working(x, y, c), c)


def add_working(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """`mobius_add` of promoted tensors, with `c` a `column` and without the projection."""
    gap_x = gap(x, c)
    total = x + y
    s = c * numerics.squared_norm(total)
    return (gap_x * total + s * x) / (gap_x * gap(y, c) + s)


def gyration(u: Tensor, v: Tensor, w: Tensor, c: Tensor) -> Tensor:
    """Gyration `gyr[u, v] w = -(u (+) v) (+) (u (+) (v (+) w))`.

    It is the rotation that makes up for Möbius addition not being associative: `u (+) (v (+) w) = (u (+) v) (+) gyr[u, v] w`.

    The closed form of Ungar, `w + 2 (a u + b v) / d`, is written in terms of `p = u + v` as

        w + 2c ( ((1 - c|v|^2) <p,w> + c|p|^2 <v,w>) u + ((1 - c|u|^2) <v,w> - <p,w>) p ) / d
        d = (1 - c|u|^2)(1 - c|v|^2) + c|p|^2

    because `d` is tiny if `u` is close to `-v` and to the boundary, as in parallel transport over a short distance. Here all
    terms of the numerator are as small as `d`, so that no large terms cancel.

    Args:
        u: Tensor of points, `(..., dim)`.
        v: Tensor of points, `(..., dim)`. Leading axes broadcast.
        w: Tensor of vectors, `(..., dim)`, not necessarily in the ball. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Vectors, `(..., dim)`, of the same norm as `w`; `w` at `c = 0`.

    Reference:
        - A. Ungar, Analytic Hyperbolic Geometry, 2005

    Example:

    >>> gyration([0.5, 0.0], [0.0, 0.5], [1.0, 0.0], c=1.0).numpy().round(4)
    array([ 0.8824, -0.4706], dtype=float32)
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
