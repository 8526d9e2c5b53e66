"""Geodesic distances. Conventions: see the docstring of `hyperml_tf.geometry.poincare`."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap
from hyperml_tf.geometry.poincare.shapes import check_dimension
from hyperml_tf.numerics import Tensor


def distance(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Geodesic distance `d(x, y) = 2/sqrt(c) asinh( sqrt(c)|x - y| / sqrt((1 - c|x|^2)(1 - c|y|^2)) )`.

    It equals the formula of the paper, `2/sqrt(c) artanh(sqrt(c) |(-x) (+)_c y|)`, but does not cancel for close points and does
    not saturate near the boundary.

    Args:
        x: Tensor of points, `(..., dim)`.
        y: Tensor of points, `(..., dim)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Distances, `(...)`; `2 |x - y|` at `c = 0`. The gradient at `x == y`, where the distance is not differentiable, is 0.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703)

    Example:

    >>> distance([[0.0, 0.0], [0.5, 0.0]], [0.5, 0.0], c=1.0).numpy().round(4)
    array([1.0986, 0.    ], dtype=float32)
    """
    x, y, c = numerics.promote(x=x, y=y, c=c)
    check_dimension(x=x, y=y)
    r2 = _chord(x, y, column(c))
    return 2.0 * numerics.safe_sqrt(r2) * numerics.asinh_ratio(c * r2)


def squared_distance(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Square of `distance`. Unlike the distance, it is smooth everywhere, also at `x == y`.

    Args:
        x: Tensor of points, `(..., dim)`.
        y: Tensor of points, `(..., dim)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Squared distances, `(...)`; `4 |x - y|^2` at `c = 0`.

    Example:

    >>> float(squared_distance([0.0, 1.0], [0.0, 3.0], c=0.0))
    16.0
    """
    x, y, c = numerics.promote(x=x, y=y, c=c)
    check_dimension(x=x, y=y)
    return squared_distance_of_chord(_chord(x, y, column(c)), c)


def squared_distance_of_chord(chord: Tensor, c: Tensor) -> Tensor:
    """`squared_distance` as a function of `|x - y|^2 / ((1 - c|x|^2)(1 - c|y|^2))`.

    For callers that compute the two factors of the denominator once per point, and not once per pair.

    Args:
        chord: Tensor of these quotients, any shape, >= 0.
        c: Float or tensor of a shape that broadcasts with that of `chord`, >= 0, the curvature.

    Returns:
        Squared distances of the broadcast shape; `4 * chord` at `c = 0`.

    Example:

    >>> float(squared_distance_of_chord(4.0, c=0.0))
    16.0
    """
    chord, c = numerics.promote(chord=chord, c=c)
    return 4.0 * chord * tf.square(numerics.asinh_ratio(c * chord))


def distance0(x: Tensor, c: Tensor) -> Tensor:
    """Distance from the origin, `2/sqrt(c) artanh(sqrt(c)|x|)`.

    Args:
        x: Tensor of points, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Distances, `(...)`; `2 |x|` at `c = 0`. For projected points they are at most about `12.7 / sqrt(c)` in float32, and
        `27.7 / sqrt(c)` in float64.

    Example:

    >>> distance0([[0.0, 0.0], [0.5, 0.0]], c=1.0).numpy().round(4)
    array([0.    , 1.0986], dtype=float32)
    """
    return distance(tf.zeros_like(x), x, c)


def pairwise_distance(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """Distances between all points of `x` and all points of `y`.

    It computes all differences, so that distances of close points are accurate, and needs memory for `n * m * dim` numbers. To
    search a catalogue use `hyperml_tf.retrieval`, which ranks by one matrix product.

    Args:
        x: Tensor of points, `(..., n, dim)`.
        y: Tensor of points, `(..., m, dim)`. Leading axes broadcast.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Distances, `(..., n, m)`.

    Example:

    >>> pairwise_distance(tf.zeros([2, 3]), tf.zeros([5, 3]), c=1.0).shape
    TensorShape([2, 5])
    """
    x, y, c = numerics.promote(x=x, y=y, c=c)
    check_dimension(x=x, y=y)
    return distance(x[..., :, tf.newaxis, :], y[..., tf.newaxis, :, :], c[..., tf.newaxis, tf.newaxis])


def _chord(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """`|x - y|^2 / ((1 - c|x|^2)(1 - c|y|^2)) = sinh^2(sqrt(c) d / 2) / c`, `(...)`."""
    return tf.squeeze(numerics.squared_norm(x - y) / gap(x, c) / gap(y, c), -1)
