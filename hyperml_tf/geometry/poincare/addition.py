"""Möbius addition and gyration. Conventions: see the docstring of `hyperml_tf.geometry.poincare`."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.geometry.poincare.shapes import check_dimension
from hyperml_tf.numerics import Tensor


def mobius_add(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Möbius addition `x (+)_c y`.

    The usual formula

        ((1 + 2c<x,y> + c|y|^2) x + (1 - c|x|^2) y) / (1 + 2c<x,y> + c^2|x|^2|y|^2)

    is evaluated in the equivalent form

        ((1 - c|x|^2)(x + y) + c|x + y|^2 x) / ((1 - c|x|^2)(1 - c|y|^2) + c|x + y|^2)

    whose denominator `d` is a sum of positive terms, so that nothing cancels if `y` is close to `-x`. Elsewhere it is

        x + (1 - c|x|^2) (y + c|y|^2 x) / d

    whose gradient in `y` is as small as `1 - c|x|^2`, without cancelling, and which is `x` if `y` is 0.

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
    x, y, c = numerics.promote(x=x, y=y, c=c)
    check_dimension(x=x, y=y)
    c = column(c)
    return project_working(add_working(x, y, c), c)


def add_working(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """`mobius_add` of promoted tensors, with `c` a `column` and without the projection."""
    gap_x = gap(x, c)
    total = x + y
    s = c * numerics.squared_norm(total)
    below = gap_x * gap(y, c) + s
    opposite = _are_opposite(s, c, x)
    moved = x + gap_x * (y + c * numerics.squared_norm(y) * x) / below
    return tf.where(opposite, (gap_x * total + s * x) / below, moved)


def _are_opposite(s: Tensor, c: Tensor, x: Tensor) -> Tensor:
    """Whether the sum of two points is much shorter than the first of them, `x`, from `s`, `c` times its squared norm."""
    return 4.0 * s < c * numerics.squared_norm(x)


def gyration(u: Tensor, v: Tensor, w: Tensor, c: Tensor) -> Tensor:
    """Gyration `gyr[u, v] w = -(u (+) v) (+) (u (+) (v (+) w))`.

    It is the rotation that makes up for Möbius addition not being associative: `u (+) (v (+) w) = (u (+) v) (+) gyr[u, v] w`.

    It is computed by the closed form of Ungar,

        w + 2c ( (<v,w> + 2c<u,v><v,w> - c|v|^2 <u,w>) u - (<u,w> + c|u|^2 <v,w>) v ) / d
        d = (1 - c|u|^2)(1 - c|v|^2) + c|u + v|^2

    except if `u` is close to `-v`, as in parallel transport over a short distance. Near the boundary `d` is then tiny, and the
    numerator is written in terms of `p = u + v`, where all terms are as small as `d`:

        ((1 - c|v|^2) <p,w> + c|p|^2 <v,w>) u + ((1 - c|u|^2) <v,w> - <p,w>) p

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
    u, v, w, c = numerics.promote(u=u, v=v, w=w, c=c)
    check_dimension(u=u, v=v, w=w)
    c = column(c)
    p = u + v
    gap_u, gap_v = gap(u, c), gap(v, c)
    pw, vw, s = _dot(p, w), _dot(v, w), c * numerics.squared_norm(p)
    uu, vv, uv, uw = numerics.squared_norm(u), numerics.squared_norm(v), _dot(u, v), _dot(u, w)
    turned = tf.where(
        _are_opposite(s, c, u),
        (gap_v * pw + s * vw) * u + (gap_u * vw - pw) * p,
        (vw + 2.0 * c * uv * vw - c * vv * uw) * u - (uw + c * uu * vw) * v,
    )
    return w + 2.0 * c * turned / (gap_u * gap_v + s)


def _dot(x: Tensor, y: Tensor) -> Tensor:
    return tf.reduce_sum(x * y, axis=-1, keepdims=True)
