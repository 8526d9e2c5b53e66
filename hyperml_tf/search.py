"""Exact nearest neighbours among points of the ball: one matrix product ranks, the winners get their true distances.

For a fixed query `x` the inner product of lifted points (`geometry.lorentz`) is strictly decreasing in the hyperbolic distance.
Divided by a number that depends on `x` only, it is

    f (k . y - |y|^2),   k = 2x / (1 + c|x|^2),   f = 2 / (1 - c|y|^2)

where `k` is the query in the model of Klein and `f` the conformal factor of the candidate. So a catalogue is searched at the
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
# From so many candidates on the passes over all scores that bounds save are worth more than the bounds cost.
_MANY = 2**16


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
    """Points `(..., dim)` -> what `Searchable.best` multiplies by candidates, `(..., dim)`: of norm at most `1 / sqrt(c)`."""
    queries, c = numerics.promote(queries, c)
    return 2.0 * queries / (1.0 + c * numerics.squared_norm(queries))


Restriction = Callable[[Tensor, "Tensor | None"], Tensor]
"""Leaves candidates out of scores `(n, batch)`, as `without` does; takes the row of each candidate, where rows are sorted."""


class Searchable(NamedTuple):
    """A catalogue, held once, in rows that are sorted by their norm.

    Norms are apart from points, because a product with rows of odd length takes half as long again; sorted, because then what
    a product becomes when it is made a score hardly differs within a block of rows, see `best`.
    """

    points: Tensor
    """`(n, dim)`."""
    squared: Tensor
    """`|y|^2`, `(n, 1)`, ascending."""
    factors: Tensor
    """Conformal factors, `(n, 1)`, ascending."""
    order: Tensor
    """The candidate in each row, `(n,)` int32."""
    place: Tensor
    """The row of each candidate, `(n,)` int32."""

    def points_at(self, indices: Tensor) -> Tensor:
        """Indices of candidates `(...)` -> points, `(..., dim)`."""
        return tf.gather(self.points, tf.gather(self.place, indices))

    def best(self, vectors: Tensor, k: Tensor, restrict: Restriction | None = None) -> tuple[Tensor, Tensor]:
        """The candidates of highest score.

        Args:
            vectors: `klein` of the queries, `(batch, dim)`.
            k: how many, a scalar in `[1, n]`.
            restrict: leaves candidates out; None: all are searched.

        Returns:
            Scores, ordered as `similarity`, and int32 indices of candidates, both `(batch, k)`; the score of those left out is
            the lowest number of the dtype, or below.
        """
        products = tf.matmul(self.points, vectors, transpose_b=True)
        if restrict is not None:
            products = restrict(products, self.place)
        if self.points.shape[0] < _MANY:
            values, rows = top((products - self.squared) * self.factors, k)
        else:
            values, rows = _top_of_products(products, self.squared, self.factors, k)
        return values, tf.gather(self.order, rows)


def searchable(points: Tensor, c: Tensor) -> Searchable:
    """Makes a catalogue of points, `(n, dim)`, ready to be searched at curvature `c`."""
    points, c = numerics.promote(points, c)
    order = tf.argsort(numerics.squared_norm(points)[:, 0], stable=True)
    points = tf.gather(points, order)
    factors = poincare.conformal_factor(points, c, keepdims=True)
    return Searchable(points, numerics.squared_norm(points), factors, order, tf.math.invert_permutation(order))


def nearest(
    queries: Tensor, catalogue: Searchable, c: Tensor, k: Tensor, restrict: Restriction | None = None
) -> tuple[Tensor, Tensor]:
    """The `k` nearest candidates of each query, nearest first; equal distances in the order of the catalogue.

    Args:
        queries: points, `(batch, dim)`.
        catalogue: see `searchable`.
        c: curvature, a scalar >= 0.
        k: how many, at least 1; clamped to `n`.
        restrict: leaves candidates out, as `without` and `without_pairs` do; None: all are searched.

    Returns:
        Indices int32 and distances, both `(batch, min(k, n))`. Where fewer than `k` candidates remain after the exclusions the
        index is -1 and the distance infinite.
    """
    n = tf.shape(catalogue.points)[0]
    found = catalogue.best(klein(queries, c), tf.minimum(k + SLACK, n), restrict)
    return winners(queries, found, catalogue.points_at, c, tf.minimum(k, n))


def winners(
    queries: Tensor, found: tuple[Tensor, Tensor], points_of: Callable[[Tensor], Tensor], c: Tensor, k: Tensor
) -> tuple[Tensor, Tensor]:
    """The nearest of the candidates of highest score, put in order by their true distances.

    Args:
        queries: points, `(batch, dim)`.
        found: scores and indices of at least `k` candidates, both `(batch, m)`, as from `Searchable.best`.
        points_of: the points of some candidates, indices `(batch, m)` -> `(batch, m, dim)`.
        c: curvature, a scalar >= 0.
        k: how many, in `[1, m]`.

    Returns:
        As `nearest`.
    """
    scores, indices = found
    # In the order of the catalogue, so that ties are settled the same way for every batch and device; those left out come last.
    indices = tf.where(scores <= scores.dtype.min, tf.int32.max, indices)
    indices = -tf.math.top_k(-indices, tf.shape(indices)[1]).values
    gone = tf.equal(indices, tf.int32.max)
    distances = poincare.distance(queries[:, tf.newaxis, :], points_of(tf.where(gone, 0, indices)), c)
    distances = tf.where(gone, tf.constant(float("inf"), distances.dtype), distances)
    # Of equal numbers `top_k` takes the first.
    nearness, order = tf.math.top_k(-distances, k)
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
    maxima = _block_maxima(scores)
    _, best = tf.math.top_k(tf.transpose(maxima), tf.minimum(k, tf.shape(maxima)[0]), sorted=False)
    rows = _rows_of(best, scores)
    values, order = tf.math.top_k(_entries(scores, rows), k)
    return values, tf.gather(rows, order, batch_dims=1)


def _top_of_products(products: Tensor, squared: Tensor, factors: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """`top((products - squared) * factors, k)` where `squared` and `factors` ascend, with one pass over the products.

    Within a block of rows the two hardly differ, so the largest product bounds the scores of its block closely. Twice as many
    blocks are looked into as there can be winners in. If a bound of the others is above the last winner, all is computed.
    """
    maxima = _block_maxima(products)
    blocks = tf.shape(maxima)[0]
    first, last = (slice(start, blocks * _BLOCK, _BLOCK) for start in (0, _BLOCK - 1))
    above = maxima - squared[first]
    bounds = above * tf.where(above > 0, factors[last], factors[first])
    limits, best = top(bounds, tf.minimum(2 * k, blocks))
    rows = _rows_of(best, products)
    near = (_entries(products, rows) - tf.gather(squared[:, 0], rows)) * tf.gather(factors[:, 0], rows)
    values, order = tf.math.top_k(near, k)
    missed = tf.reduce_any(limits[:, -1] > values[:, -1]) & (tf.shape(best)[1] < blocks)
    return tf.cond(
        missed,
        lambda: top((products - squared) * factors, k),
        lambda: (values, tf.gather(rows, order, batch_dims=1)),
    )


def _block_maxima(scores: Tensor) -> Tensor:
    """The highest score of each whole block of rows, `(n, batch)` -> `(n // _BLOCK, batch)`."""
    blocks, batch = tf.shape(scores)[0] // _BLOCK, tf.shape(scores)[1]
    return tf.reduce_max(tf.reshape(scores[: blocks * _BLOCK], [blocks, _BLOCK, batch]), axis=1)


def _rows_of(blocks: Tensor, scores: Tensor) -> Tensor:
    """The rows of some blocks, `(batch, m)` -> `(batch, rows)`; those after the last whole block are always among them."""
    batch, count, n = tf.shape(blocks)[0], tf.shape(blocks)[1], tf.shape(scores)[0]
    rows = tf.reshape(blocks[:, :, tf.newaxis] * _BLOCK + tf.range(_BLOCK), [batch, count * _BLOCK])
    rest = tf.range(n // _BLOCK * _BLOCK, n)
    return tf.concat([rows, tf.broadcast_to(rest, [batch, tf.size(rest)])], axis=1)


def _entries(scores: Tensor, rows: Tensor) -> Tensor:
    """`scores[rows[b, m], b]`, `(batch, m)`."""
    columns = tf.broadcast_to(tf.range(tf.shape(rows)[0])[:, tf.newaxis], tf.shape(rows))
    return tf.gather_nd(scores, tf.stack([rows, columns], axis=-1))


def without(scores: Tensor, place: Tensor | None, excluded: Tensor) -> Tensor:
    """Scores `(n, batch)` with the candidates of `excluded` `(batch, m)` at the lowest number; -1 excludes nothing.

    Args:
        scores: `(n, batch)`.
        place: the row of each candidate, `(n,)`; None: the rows are the candidates.
        excluded: integer indices of candidates, `(batch, m)`.
    """
    excluded = tf.cast(excluded, tf.int32)
    padding = excluded < 0
    columns = tf.broadcast_to(tf.range(tf.shape(excluded)[0])[:, tf.newaxis], tf.shape(excluded))
    # Padding points at candidate 0 with a value that changes nothing.
    where = tf.stack([_rows_at(tf.where(padding, 0, excluded), place), columns], axis=-1)
    values = tf.where(padding, scores.dtype.max, scores.dtype.min)
    return tf.tensor_scatter_nd_min(scores, where, tf.cast(values, scores.dtype))


def without_pairs(scores: Tensor, place: Tensor | None, pairs: tuple[Tensor, Tensor]) -> Tensor:
    """As `without`, for pairs of a position in the batch and a candidate, each `(pairs,)` int32."""
    queries, candidates = pairs
    lowest = tf.fill(tf.shape(queries), scores.dtype.min)
    return tf.tensor_scatter_nd_min(scores, tf.stack([_rows_at(candidates, place), queries], axis=-1), lowest)


def _rows_at(candidates: Tensor, place: Tensor | None) -> Tensor:
    return candidates if place is None else tf.gather(place, candidates)
