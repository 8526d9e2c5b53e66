"""Ranking of candidates by their distance from a query, with one inner product per pair.

For a fixed query `x`, the hyperbolic distance to a candidate `y` is a strictly decreasing function of its *proximity*

    (k . y - |y|^2) f,   k = 2x / (1 + c|x|^2),   f = 2 / (1 - c|y|^2)

where `k` is the query in the Klein model and `f` the conformal factor of the candidate. The squared norm and the factor are
computed once per candidate, so that one matrix product ranks a whole catalogue, at any curvature including 0:

    proximity(tf.matmul(y, to_klein(x, c), transpose_b=True), |y|^2, f)

Up to a summand and a factor that depend on the query only, the proximity is `geometry.lorentz.lorentz_inner`. In floating point
it loses a few digits to cancellation, and more near the boundary. To rank exactly, select a few more candidates than needed, and
sort these by `poincare.distance`. Conventions: see the docstring of `hyperml_tf.geometry.poincare`.
"""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap
from hyperml_tf.numerics import Tensor


def to_klein(x: Tensor, c: Tensor) -> Tensor:
    """Map from the Poincaré ball to the Klein model, `2x / (1 + c|x|^2)`.

    Args:
        x: Tensor of points, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        Points of the Klein model, `(..., dim)`, of norm less than `1 / sqrt(c)`; `2x` at `c = 0`.

    Example:

    >>> to_klein([0.0, 0.5], c=1.0).numpy().round(4)
    array([0. , 0.8], dtype=float32)
    """
    x, c = numerics.promote(x=x, c=c)
    return 2.0 * x / (1.0 + column(c) * numerics.squared_norm(x))


def proximity(products: Tensor, squared_norm: Tensor, factor: Tensor) -> Tensor:
    """Scores that rank candidates by their distance from a query: the nearest candidate has the highest score.

    The formula is in the docstring of this module. Scores of different queries are not comparable. The arguments can have any
    shapes that broadcast, such as `(n, batch)` with `(n, 1)` for `n` candidates, or `(groups, size, n)` with `(groups, 1, n)` for
    groups of queries that share their candidates.

    Args:
        products: Tensor of inner products of candidates with `to_klein` of queries.
        squared_norm: Tensor of `|y|^2` of the candidates.
        factor: Tensor of conformal factors of the candidates, `2 / (1 - c|y|^2)`.

    Returns:
        Scores of the broadcast shape.

    Example:

    The second candidate is nearer to the query.

    >>> from hyperml_tf.geometry import poincare
    >>> x, y = tf.constant([[0.0, 0.8]]), tf.constant([[0.0, 0.3], [0.0, 0.9]])
    >>> products = tf.matmul(y, to_klein(x, c=1.0), transpose_b=True)
    >>> scores = proximity(products, numerics.squared_norm(y), poincare.conformal_factor(y, c=1.0, keepdims=True))
    >>> int(tf.argmax(scores[:, 0])), int(tf.argmin(poincare.distance(x, y, c=1.0)))
    (1, 1)
    """
    return (products - squared_norm) * factor


def proximity_bound(product: Tensor, squared_norm: Tensor, factor: Tensor, largest_factor: Tensor) -> Tensor:
    """Upper bound of the `proximity` of all candidates of a block.

    The bound is tight if norms differ little within a block, as in a catalogue that is sorted by norm. The arguments can have any
    shapes that broadcast.

    Args:
        product: Tensor of the largest product of each block.
        squared_norm: Tensor of the smallest `|y|^2` of each block.
        factor: Tensor of the smallest conformal factor of each block.
        largest_factor: Tensor of the largest conformal factor of each block.

    Returns:
        Bounds of the broadcast shape, equal to `proximity` for blocks of one candidate.

    Example:

    >>> float(proximity_bound(0.5, squared_norm=0.25, factor=2.0, largest_factor=4.0))
    1.0
    """
    # Negative scores are largest with the smallest factor.
    return proximity(product, squared_norm, tf.where(product > squared_norm, largest_factor, factor))


def pairwise_proximity(x: Tensor, y: Tensor, c: Tensor) -> Tensor:
    """`proximity` of all candidates to all queries.

    Args:
        x: Tensor of points, `(n, dim)`, the queries.
        y: Tensor of points, `(m, dim)`, the candidates.
        c: Float or scalar tensor, >= 0, the curvature.

    Returns:
        Scores, `(n, m)`. The nearest candidate has the highest score of its row.

    Example:

    >>> scores = pairwise_proximity([[0.0, 0.8]], [[0.0, 0.3], [0.0, 0.9]], c=1.0)
    >>> int(tf.argmax(scores[0]))
    1
    """
    x, y, c = numerics.promote(x=x, y=y, c=c)
    squared_norm, factor = (tf.transpose(part) for part in (numerics.squared_norm(y), 2.0 / gap(y, column(c))))
    return proximity(tf.matmul(to_klein(x, c), y, transpose_b=True), squared_norm, factor)
