"""Exact nearest neighbours among points of the ball: one matrix product ranks, the winners get their true distances.

For a fixed query `x` the inner product of lifted points (`geometry.lorentz`) is strictly decreasing in the hyperbolic distance.
Divided by a number that depends on `x` only, it is

    f (k . y - |y|^2),   k = 2x / (1 + c|x|^2),   f = 2 / (1 - c|y|^2)

where `k` is twice the query in the model of Klein and `f` the conformal factor of the candidate. So a catalogue is searched at the
price of a dot product, at any curvature including 0. The product cancels a few digits, so a few more candidates than asked for
are taken and put in order by `poincare.distance`, which is what is returned.

In float32 that is exact for points up to a distance of about 8 / sqrt(c) from the origin (`sqrt(c)|x|` = .9993). Farther out,
some of the nearest can be missed where a catalogue crowds hundreds of items within 1 / sqrt(c) of each other; not in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.numerics import Tensor

SLACK = 16
"""Candidates taken beyond k before the exact ordering: room for pairs that the rounding of the product could swap."""

# Rows whose maximum is found first, see `top`.
_BLOCK = 32


def similarity(queries: Tensor, lifted: Tensor, c: Tensor) -> Tensor:
    """Scores that order candidates exactly as their distance does, the nearest highest.

    Args:
        queries: points, `(batch, dim)`.
        lifted: candidates, `lorentz.lift(points, c)`, `(n, dim + 1)`.
        c: curvature, a scalar >= 0.

    Returns:
        Scores, `(batch, n)`: `lorentz_inner` plus a number that depends on the query only.
    """
    return tf.matmul(lorentz.query(lorentz.lift(queries, c), c), lifted, transpose_b=True)


def klein(queries: Tensor, c: Tensor) -> Tensor:
    """Points `(..., dim)` -> what `Searchable.scores` multiplies by candidates, `(..., dim)`: of norm at most `1 / sqrt(c)`."""
    queries, c = numerics.promote(queries, c)
    return 2.0 * queries / (1.0 + c * numerics.squared_norm(queries))


class Searchable(NamedTuple):
    """A catalogue, held once. Its norms are apart, because a product with rows of odd length takes half as long again."""

    points: Tensor
    """`(n, dim)`."""
    squared: Tensor
    """`|y|^2`, `(n, 1)`."""
    factors: Tensor
    """Conformal factors, `(n, 1)`."""

    def points_at(self, indices: Tensor) -> Tensor:
        """Indices `(...)` -> points, `(..., dim)`."""
        return tf.gather(self.points, indices)

    def scores(self, vectors: Tensor) -> Tensor:
        """Vectors of queries, `klein(x)`, `(batch, dim)` -> ordered as `similarity`, but `(n, batch)`."""
        return (tf.matmul(self.points, vectors, transpose_b=True) - self.squared) * self.factors


def searchable(points: Tensor, c: Tensor) -> Searchable:
    """Makes a catalogue of points, `(n, dim)`, ready to be searched at curvature `c`."""
    points, c = numerics.promote(points, c)
    return Searchable(points, numerics.squared_norm(points), poincare.conformal_factor(points, c, keepdims=True))


def nearest(
    queries: Tensor,
    catalogue: Searchable,
    c: Tensor,
    k: Tensor,
    restrict: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """The `k` nearest candidates of each query, nearest first; equal distances in the order of the catalogue.

    Args:
        queries: points, `(batch, dim)`.
        catalogue: see `searchable`.
        c: curvature, a scalar >= 0.
        k: how many, at least 1; clamped to `n`.
        restrict: leaves candidates out of scores, as `without` and `without_pairs` do; None: all are searched.

    Returns:
        Indices int32 and distances, both `(batch, min(k, n))`. Where fewer than `k` candidates remain after the exclusions the
        index is -1 and the distance infinite.
    """
    scores = catalogue.scores(klein(queries, c))
    if restrict is not None:
        scores = restrict(scores)
    return winners(queries, scores, catalogue.points_at, c, k)


def winners(
    queries: Tensor, scores: Tensor, points_of: Callable[[Tensor], Tensor], c: Tensor, k: Tensor, slack: int = SLACK
) -> tuple[Tensor, Tensor]:
    """The `k` candidates of highest score, put in order by their true distances.

    Args:
        queries: points, `(batch, dim)`.
        scores: `(n, batch)`, as from `similarity`, transposed; the lowest number of the dtype where a candidate is left out.
        points_of: the points of some candidates, indices `(batch, m)` -> `(batch, m, dim)`.
        c: curvature, a scalar >= 0.
        k: how many, at least 1; clamped to `n`.
        slack: candidates taken beyond `k` before the exact ordering.

    Returns:
        As `nearest`.
    """
    n = tf.shape(scores)[0]
    scores, indices = top(scores, tf.minimum(k + slack, n))
    # In catalogue order, so that ties are settled the same way for every batch and device; those left out come last.
    indices = tf.where(tf.equal(scores, scores.dtype.min), n, indices)
    indices = -tf.math.top_k(-indices, tf.shape(indices)[1]).values
    gone = tf.equal(indices, n)
    distances = poincare.distance(queries[:, tf.newaxis, :], points_of(tf.minimum(indices, n - 1)), c)
    distances = tf.where(gone, tf.constant(float("inf"), distances.dtype), distances)
    # Of equal numbers `top_k` takes the first.
    nearness, order = tf.math.top_k(-distances, tf.minimum(k, n))
    return tf.gather(tf.where(gone, -1, indices), order, batch_dims=1), -nearness


def top(scores: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """The `k` highest scores of each column, highest first, and their rows.

    The highest `k` lie in the `k` blocks of rows whose maxima are highest. Maxima cost one pass, in which several columns at once
    are compared, which a heap a query cannot do; only the numbers of those blocks are then put in order.

    Args:
        scores: `(n, batch)`.
        k: how many, a scalar in `[1, n]`.

    Returns:
        Scores and int32 rows, both `(batch, k)`.
    """
    n, batch = tf.shape(scores)[0], tf.shape(scores)[1]
    blocks = n // _BLOCK
    maxima = tf.reduce_max(tf.reshape(scores[: blocks * _BLOCK], [blocks, _BLOCK, batch]), axis=1)
    _, best = tf.math.top_k(tf.transpose(maxima), tf.minimum(k, blocks), sorted=False)
    rows = tf.reshape(best[:, :, tf.newaxis] * _BLOCK + tf.range(_BLOCK), [batch, tf.shape(best)[1] * _BLOCK])
    # Rows after the last whole block are always among those put in order.
    rest = tf.broadcast_to(tf.range(blocks * _BLOCK, n), [batch, n - blocks * _BLOCK])
    rows = tf.concat([rows, rest], axis=1)
    values, order = tf.math.top_k(_entries(scores, rows), k)
    return values, tf.gather(rows, order, batch_dims=1)


def _entries(scores: Tensor, rows: Tensor) -> Tensor:
    """`scores[rows[b, m], b]`, `(batch, m)`."""
    columns = tf.broadcast_to(tf.range(tf.shape(rows)[0])[:, tf.newaxis], tf.shape(rows))
    return tf.gather_nd(scores, tf.stack([rows, columns], axis=-1))


def without(scores: Tensor, excluded: Tensor) -> Tensor:
    """Scores `(n, batch)` with the candidates of `excluded` `(batch, m)` at the lowest number; -1 excludes nothing."""
    excluded = tf.cast(excluded, tf.int32)
    padding = excluded < 0
    columns = tf.broadcast_to(tf.range(tf.shape(excluded)[0])[:, tf.newaxis], tf.shape(excluded))
    # Padding points at candidate 0 with a value that changes nothing.
    where = tf.stack([tf.where(padding, 0, excluded), columns], axis=-1)
    values = tf.where(padding, scores.dtype.max, scores.dtype.min)
    return tf.tensor_scatter_nd_min(scores, where, tf.cast(values, scores.dtype))


def without_pairs(scores: Tensor, pairs: tuple[Tensor, Tensor]) -> Tensor:
    """Scores `(n, batch)` with some pairs at the lowest number: position in the batch, candidate, each `(pairs,)` int32."""
    queries, candidates = pairs
    lowest = tf.fill(tf.shape(queries), scores.dtype.min)
    return tf.tensor_scatter_nd_min(scores, tf.stack([candidates, queries], axis=-1), lowest)
