"""The hyperboloid, in coordinates that stay finite at curvature 0, and the lift that turns distances into inner products.

The hyperboloid `{(t, s) : -t^2 + |s|^2 = -1/c, t > 0}` runs off to infinity as `c -> 0`, because its apex is at
`t = 1/sqrt(c)`. We measure the time coordinate from the apex instead: `h = (sqrt(c) t - 1) / c`, the *height*. A lifted
point is `(h, s)`, `(..., dim + 1)`, and

    h = 2|x|^2 / (1 - c|x|^2),   s = 2x / (1 - c|x|^2),   c h^2 + 2h = |s|^2,   t = (1 + c h) / sqrt(c)

At `c = 0` the surface is the paraboloid `2h = |s|^2` and `s = 2x`: everything below is exact there too.

Why it matters for retrieval: for a fixed query `x`, `lorentz_inner` is linear in the candidate and strictly decreasing in the
distance. `query(lift(x))` makes it a plain dot product, so any maximum-inner-product index ranks by hyperbolic distance.

Conventions of shapes, curvature and dtypes: see `hyperml_tf.geometry.poincare`. Source: W. Reynolds, *Hyperbolic geometry on a
hyperboloid* (1993); the shifted coordinate is ours.
"""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.numerics import Tensor


def lift(x: Tensor, c: Tensor) -> Tensor:
    """Lifts points of the ball to the hyperboloid, as `(h, s)`.

    Args:
        x: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Lifted points, `(..., dim + 1)`, the height first. Coordinates grow as `e^d` with the distance `d` from the origin.

    Example:

    >>> lift([0.0, 0.5], c=0.0).numpy().tolist()
    [0.5, 0.0, 1.0]
    """
    x, c = numerics.promote(x, c)
    factor = 2.0 / gap(x, column(c))
    return tf.concat([factor * numerics.squared_norm(x), factor * x], axis=-1)


def drop(p: Tensor, c: Tensor) -> Tensor:
    """Brings lifted points back to the ball, the inverse of `lift`: `x = s / (2 + c h)`.

    Args:
        p: lifted points, `(..., dim + 1)`.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Points of the ball, `(..., dim)`.

    Example:

    >>> drop([0.5, 0.0, 1.0], c=0.0).numpy().tolist()
    [0.0, 0.5]
    """
    p, c = numerics.promote(p, c)
    c = column(c)
    return project_working(p[..., 1:] / (2.0 + c * p[..., :1]), c)


def time_coordinate(p: Tensor, c: Tensor) -> Tensor:
    """The usual hyperboloid time `t = (1 + c h) / sqrt(c)` of lifted points, for exchange with other libraries.

    Args:
        p: lifted points, `(..., dim + 1)`.
        c: curvature, a number or `(...)`, > 0: at `c = 0` the hyperboloid has no finite time and the result is infinite.

    Returns:
        Times, `(...)`; `(time_coordinate(p, c), p[..., 1:])` satisfies `-t^2 + |s|^2 = -1/c`.

    Example:

    >>> float(time_coordinate(lift([0.0, 0.5], c=1.0), c=1.0))  # doctest: +ELLIPSIS
    1.66666...
    """
    p, c = numerics.promote(p, c)
    return (1.0 + c * p[..., 0]) / tf.sqrt(c)


def query(p: Tensor, c: Tensor) -> Tensor:
    """Turns a lifted point into the query vector whose dot product with a lifted candidate is `lorentz_inner` plus a constant.

    `q = (-(1 + c h), s)`, so `<q, p'> = lorentz_inner(p, p') + h`, and `h` does not depend on the candidate: the largest
    dot product is the smallest distance.

    Args:
        p: lifted points, `(..., dim + 1)`.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Query vectors, `(..., dim + 1)`.

    Example:

    >>> query([0.5, 0.0, 1.0], c=1.0).numpy().tolist()
    [-1.5, 0.0, 1.0]
    """
    p, c = numerics.promote(p, c)
    return tf.concat([-(1.0 + column(c) * p[..., :1]), p[..., 1:]], axis=-1)


def lorentz_inner(p: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """The Lorentz inner product measured from its value at equal points: `1/c - t t' + <s, s'>`, finite at `c = 0`.

    In the coordinates of this module it is `<s, s'> - h - h' - c h h'`. It is 0 for equal points, and otherwise
    `-(2/c) sinh^2(sqrt(c) d / 2)`, or `-|s - s'|^2 / 2` at `c = 0`.

    Args:
        p: lifted points, `(..., dim + 1)`.
        q: lifted points, `(..., dim + 1)`; leading axes broadcast.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Inner products, `(...)`, <= 0 up to rounding.

    Example:

    >>> float(lorentz_inner(lift([0.0, 0.5], c=0.0), lift([0.0, 0.0], c=0.0), c=0.0))
    -0.5
    """
    p, q, c = numerics.promote(p, q, c)
    h, k = p[..., 0], q[..., 0]
    return tf.reduce_sum(p[..., 1:] * q[..., 1:], axis=-1) - h - k - c * h * k


def distance(p: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """Geodesic distance of lifted points, `2/sqrt(c) asinh(sqrt(-c <p, q> / 2))`.

    The inner product cancels for close points, so their distance is good to about `sqrt(eps) (1 + c h)` only: rank by it,
    then report `poincare.distance`.

    Args:
        p: lifted points, `(..., dim + 1)`.
        q: lifted points, `(..., dim + 1)`; leading axes broadcast.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Distances, `(...)`.

    Example:

    >>> round(float(distance(lift([0.0, 0.5], c=1.0), lift([0.0, 0.0], c=1.0), c=1.0)), 4)
    1.0986
    """
    p, q, c = numerics.promote(p, q, c)
    r2 = tf.nn.relu(-lorentz_inner(p, q, c) / 2.0)
    return 2.0 * numerics.safe_sqrt(r2) * numerics.asinh_ratio(c * r2)
