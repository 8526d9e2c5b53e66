"""Geodesic distances by the asinh form. Conventions: see the package docstring."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap
from hyperml_tf.numerics import Tensor


def distance(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Geodesic distance `d(x, y) = 2/sqrt(c) asinh( sqrt(c)|x - y| / sqrt((1 - c|x|^2)(1 - c|y|^2)) )`.

    Equal to the paper's `2/sqrt(c) artanh(sqrt(c) |(-x) (+) y|)`, without its cancellation for close points and its
    saturation near the boundary.

    Args:
        x: points, `(..., dim)`.
        y: points, `(..., dim)`; leading axes broadcast.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` the distance is `2 |x - y|`.

    Returns:
        Distances, `(...)`. The gradient at `x == y` is 0 (the distance has a kink there; `squared_distance` has none).

    Example:

    >>> round(float(distance([0.0, 0.0], [0.5, 0.0], c=1.0)), 4)
    1.0986
    """
    x, y, c = numerics.promote(x, y, c)
    r2 = _chord(x, y, column(c))
    return 2.0 * numerics.safe_sqrt(r2) * numerics.asinh_ratio(c * r2)


def squared_distance(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """The square of `distance`, smooth everywhere: what the hinge of the pull-push loss needs.

    Args:
        x: points, `(..., dim)`.
        y: points, `(..., dim)`; leading axes broadcast.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is `4 |x - y|^2`.

    Returns:
        Squared distances, `(...)`.

    Example:

    >>> float(squared_distance([0.0, 1.0], [0.0, 3.0], c=0.0))
    16.0
    """
    x, y, c = numerics.promote(x, y, c)
    return squared_distance_of_chord(_chord(x, y, column(c)), c)


def squared_distance_of_chord(chord: Tensor, c: Tensor) -> Tensor:
    """`squared_distance` from `|x - y|^2 / ((1 - c|x|^2)(1 - c|y|^2))`, for who has the gaps of many points at hand.

    Args:
        chord: that quotient, any shape.
        c: curvature, a number or of a shape that broadcasts with it, >= 0.

    Returns:
        Squared distances, of the shape of `chord`.

    Example:

    >>> float(squared_distance_of_chord(4.0, c=0.0))
    16.0
    """
    chord, c = numerics.promote(chord, c)
    return 4.0 * chord * tf.square(numerics.asinh_ratio(c * chord))


def distance0(x: Tensor, c: Tensor) -> Tensor:
    """Distance to the origin, `2/sqrt(c) artanh(sqrt(c)|x|)`; `2|x|` at `c = 0`.

    Args:
        x: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Distances, `(...)`; at most about 12.7 (float32) or 27.7 (float64), times `1/sqrt(c)`, for a projected point.

    Example:

    >>> round(float(distance0([0.5, 0.0], c=1.0)), 4)
    1.0986
    """
    return distance(tf.zeros_like(x), x, c)


def pairwise_distance(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Distances between every row of `x` and every row of `y`.

    Differences are formed explicitly, so close pairs keep all their digits, at the price of `n * m * dim` numbers of memory.
    For searching a catalogue use `hyperml_tf.retrieval`, which ranks by one matrix product.

    Args:
        x: points, `(..., n, dim)`.
        y: points, `(..., m, dim)`.
        c: curvature, a number or `(...)`, >= 0.

    Returns:
        Distances, `(..., n, m)`.

    Example:

    >>> pairwise_distance(tf.zeros([2, 3]), tf.zeros([5, 3]), c=1.0).shape
    TensorShape([2, 5])
    """
    x, y, c = numerics.promote(x, y, c)
    return distance(x[..., :, tf.newaxis, :], y[..., tf.newaxis, :, :], c[..., tf.newaxis, tf.newaxis])


def _chord(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """`|x - y|^2 / ((1 - c|x|^2)(1 - c|y|^2))`, shape `(...)`: `sinh^2(sqrt(c) d / 2) / c`."""
    return tf.squeeze(numerics.squared_norm(x - y) / gap(x, c) / gap(y, c), -1)
