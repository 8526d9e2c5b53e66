"""The hyperboloid model, in coordinates that are finite at curvature 0.

The hyperboloid is `{(t, s) : -t^2 + |s|^2 = -1/c, t > 0}`. For `c -> 0` its apex, at `t = 1/sqrt(c)`, tends to infinity. The time
coordinate `t` is therefore replaced by the *height* above the apex, `h = (sqrt(c) t - 1) / c`. A *lifted* point is `(h, s)`,
a tensor `(..., dim + 1)`, with

    h = 2|x|^2 / (1 - c|x|^2),   s = 2x / (1 - c|x|^2),   c h^2 + 2h = |s|^2,   t = (1 + c h) / sqrt(c)

for a point `x` of the Poincaré ball. At `c = 0` the surface is the paraboloid `2h = |s|^2`, with `s = 2x`, and all functions
except `time_coordinate` are exact.

**Retrieval.** For a fixed query, `lorentz_inner` is linear in the candidate and strictly decreasing in the distance. With `query`
it becomes a dot product, so that any index for maximum inner products ranks by hyperbolic distance.

Conventions of arguments, shapes and dtypes: see `hyperml_tf.geometry.poincare`. Source: W. Reynolds, *Hyperbolic geometry on a
hyperboloid* (1993). The height is not in the literature.
"""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap, project_working
from hyperml_tf.geometry.poincare.shapes import check_dimension
from hyperml_tf.numerics import Tensor


def lift(x: Tensor, c: Tensor) -> Tensor:
    """Lift from the Poincaré ball to the hyperboloid.

    Args:
        x: Tensor of points of the Poincaré ball, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Lifted points `(h, s)`, `(..., dim + 1)`. The coordinates grow as `exp(sqrt(c) d)` with the distance `d` from the origin.

    Example:

    >>> lift([0.0, 0.5], c=0.0).numpy()
    array([0.5, 0. , 1. ], dtype=float32)
    """
    x, c = numerics.promote(x=x, c=c)
    factor = 2.0 / gap(x, column(c))
    return tf.concat([factor * numerics.squared_norm(x), factor * x], axis=-1)


def drop(p: Tensor, c: Tensor) -> Tensor:
    """Map from the hyperboloid to the Poincaré ball, `x = s / (2 + c h)`, the inverse of `lift`.

    Args:
        p: Tensor of lifted points, `(..., dim + 1)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points of the Poincaré ball, `(..., dim)`, projected into it; `s / 2` at `c = 0`.

    Example:

    >>> drop([0.5, 0.0, 1.0], c=0.0).numpy()
    array([0. , 0.5], dtype=float32)
    """
    p, c = numerics.promote(p=p, c=c)
    c = column(c)
    return project_working(p[..., 1:] / (2.0 + c * p[..., :1]), c)


def time_coordinate(p: Tensor, c: Tensor) -> Tensor:
    """Time coordinate `t = (1 + c h) / sqrt(c)` of lifted points, for exchange with other libraries.

    `(t, s)` with `s = p[..., 1:]` satisfies `-t^2 + |s|^2 = -1/c`.

    Args:
        p: Tensor of lifted points, `(..., dim + 1)`.
        c: Float or tensor `(...)`, > 0, the curvature.

    Returns:
        Times, `(...)`; infinite at `c = 0`.

    Example:

    >>> time_coordinate(lift([[0.0, 0.5]], c=1.0), c=1.0).numpy().round(4)
    array([1.6667], dtype=float32)
    """
    p, c = numerics.promote(p=p, c=c)
    return (1.0 + c * p[..., 0]) / tf.sqrt(c)


def query(p: Tensor, c: Tensor) -> Tensor:
    """Query vectors, whose dot product with a lifted candidate ranks by distance.

    The vector of `p = (h, s)` is `q = (-(1 + c h), s)`. Its dot product with a candidate `p'` is `lorentz_inner(p, p') + h`.
    Since `h` does not depend on the candidate, the candidate with the largest dot product is the nearest.

    Args:
        p: Tensor of lifted queries, `(..., dim + 1)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Query vectors, `(..., dim + 1)`.

    Example:

    >>> query([0.5, 0.0, 1.0], c=1.0).numpy()
    array([-1.5,  0. ,  1. ], dtype=float32)
    """
    p, c = numerics.promote(p=p, c=c)
    return tf.concat([-(1.0 + column(c) * p[..., :1]), p[..., 1:]], axis=-1)


def lorentz_inner(p: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """Lorentz inner product plus `1/c`: `1/c - t t' + <s, s'> = <s, s'> - h - h' - c h h'`.

    With this constant it is finite at `c = 0`, and 0 for equal points. At distance `d` it is `-(2/c) sinh^2(sqrt(c) d / 2)`.

    Args:
        p: Tensor of lifted points, `(..., dim + 1)`.
        q: Tensor of lifted points, `(..., dim + 1)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Inner products, `(...)`, <= 0 up to rounding; `-|s - s'|^2 / 2` at `c = 0`.

    Example:

    >>> float(lorentz_inner(lift([0.0, 0.5], c=0.0), lift([0.0, 0.0], c=0.0), c=0.0))
    -0.5
    """
    p, q, c = numerics.promote(p=p, q=q, c=c)
    check_dimension(p=p, q=q)
    h, k = p[..., 0], q[..., 0]
    return tf.reduce_sum(p[..., 1:] * q[..., 1:], axis=-1) - h - k - c * h * k


def distance(p: Tensor, q: Tensor, c: Tensor) -> Tensor:
    """Geodesic distance of lifted points, `2/sqrt(c) asinh(sqrt(-c <p, q> / 2))`, with `<p, q>` the `lorentz_inner`.

    The inner product cancels for close points, so that their distance has an error of about `sqrt(eps) (1 + c h)`. Use it to
    rank, and `poincare.distance` for the distances of the result.

    Args:
        p: Tensor of lifted points, `(..., dim + 1)`.
        q: Tensor of lifted points, `(..., dim + 1)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Distances, `(...)`; `|s - s'|` at `c = 0`. The gradient at equal points is 0.

    Example:

    >>> distance(lift([[0.0, 0.5]], c=1.0), lift([0.0, 0.0], c=1.0), c=1.0).numpy().round(4)
    array([1.0986], dtype=float32)
    """
    p, q, c = numerics.promote(p=p, q=q, c=c)
    check_dimension(p=p, q=q)
    r2 = tf.nn.relu(-lorentz_inner(p, q, c) / 2.0)
    return 2.0 * numerics.safe_sqrt(r2) * numerics.asinh_ratio(c * r2)
