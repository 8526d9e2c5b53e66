"""The order of candidates by their distance from a query, at the price of one inner product per pair.

For a fixed query `x`, the hyperbolic distance to a candidate `y` is a strictly decreasing function of its *proximity*

    (k . y - |y|^2) f,   k = 2x / (1 + c|x|^2),   f = 2 / (1 - c|y|^2)

where `k` is the query in the Klein model and `f` the conformal factor of the candidate. The norm and the factor are one number
per candidate, so one matrix product orders a whole catalogue, at any curvature including 0:

    proximity(tf.matmul(y, to_klein(x, c), transpose_b=True), |y|^2, f)

The proximity is `geometry.lorentz.lorentz_inner`, plus and times numbers that depend on the query only. In floating point it
cancels a few digits where candidates are close to each other, and more near the boundary: take a few more candidates than
needed, and order these by `poincare.distance`. Conventions: see the package docstring.
"""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column
from hyperml_tf.numerics import Tensor


def to_klein(x: Tensor, c: Tensor) -> Tensor:
    """Points of the Poincaré ball in the Klein model, `2x / (1 + c|x|^2)`: the vectors by which candidates are multiplied.

    Args:
        x: points, `(..., dim)`.
        c: curvature, a number or `(...)`, >= 0. At `c = 0` it is `2x`.

    Returns:
        Points of the Klein model, `(..., dim)`, of norm at most `1 / sqrt(c)`.

    Example:

    >>> to_klein([0.0, 0.5], c=1.0).numpy().astype(float).round(4).tolist()
    [0.0, 0.8]
    """
    x, c = numerics.promote(x, c)
    return 2.0 * x / (1.0 + column(c) * numerics.squared_norm(x))


def proximity(products: Tensor, squared_norm: Tensor, factor: Tensor) -> Tensor:
    """Scores that order candidates as their distance from a query does, the nearest highest. See the module docstring.

    Scores of different queries are not comparable. The layout is free, as long as the arguments broadcast: candidates first,
    `(n, batch)` with `(n, 1)`; in groups that share their candidates, `(groups, size, n)` with `(groups, 1, n)`.

    Args:
        products: inner products of candidates and `to_klein` of queries, any shape.
        squared_norm: `|y|^2` of the candidates.
        factor: their conformal factors, `2 / (1 - c|y|^2)`.

    Returns:
        Scores, of the broadcast shape.

    Example: of two candidates the one at `[0.0, 0.9]` is nearer to the query.

    >>> from hyperml_tf.geometry import poincare
    >>> x, y = tf.constant([[0.0, 0.8]]), tf.constant([[0.0, 0.3], [0.0, 0.9]])
    >>> products = tf.matmul(y, to_klein(x, c=1.0), transpose_b=True)
    >>> scores = proximity(products, numerics.squared_norm(y), poincare.conformal_factor(y, c=1.0, keepdims=True))
    >>> int(tf.argmax(scores[:, 0])), int(tf.argmin(poincare.distance(x, y, c=1.0)))
    (1, 1)
    """
    return (products - squared_norm) * factor


def proximity_bound(product: Tensor, squared_norm: Tensor, factor: Tensor, largest_factor: Tensor) -> Tensor:
    """An upper bound of the `proximity` of a block of candidates, from the largest of their products.

    The bound is tight where norms differ little within a block, as in a catalogue sorted by norm.

    Args:
        product: the largest of the products of the block, any shape.
        squared_norm: the smallest `|y|^2` of the block.
        factor: the smallest conformal factor of the block.
        largest_factor: the largest conformal factor of the block.

    Returns:
        Bounds, of the broadcast shape; equal to `proximity` for a block of one.

    Example:

    >>> float(proximity_bound(0.5, squared_norm=0.25, factor=2.0, largest_factor=4.0))
    1.0
    """
    # A score below 0 is largest with the smallest factor.
    return proximity(product, squared_norm, tf.where(product > squared_norm, largest_factor, factor))
