"""Exact nearest neighbours among points of the ball: one matrix product ranks, the winners get their true distances.

For a fixed query the inner product of lifted points (`geometry.lorentz`) is strictly decreasing in the hyperbolic distance, so
a catalogue is searched at the price of a dot product, at any curvature including 0. The product cancels a few digits, so a few
more candidates than asked for are taken and put in order by `poincare.distance`, which is what is returned.

In float32 that is exact for points up to a distance of about 8 / sqrt(c) from the origin (`sqrt(c)|x|` = .9993). Farther out,
some of the nearest can be missed where a catalogue crowds hundreds of items within 1 / sqrt(c) of each other; not in float64.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.numerics import Tensor

SLACK = 16
"""Candidates taken beyond k before the exact ordering: room for pairs that the rounding of the product could swap."""


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


def nearest(
    queries: Tensor, points: Tensor, lifted: Tensor, c: Tensor, k: int, excluded: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The `k` nearest candidates of each query, nearest first; equal distances in the order of the catalogue.

    Args:
        queries: points, `(batch, dim)`.
        points: the catalogue, `(n, dim)`.
        lifted: `lorentz.lift(points, c)`, `(n, dim + 1)`.
        c: curvature, a scalar >= 0.
        k: how many, at least 1; clamped to `n`.
        excluded: integer indices of candidates to leave out, `(batch, m)`, padded with -1; or None.

    Returns:
        Indices int32 and distances, both `(batch, min(k, n))`. Where fewer than `k` candidates remain after the exclusions the
        index is -1 and the distance infinite.
    """
    scores = similarity(queries, lifted, c)
    if excluded is not None:
        scores = without(scores, excluded)
    return winners(queries, scores, lambda indices: tf.gather(points, indices), c, k)


def winners(
    queries: Tensor, scores: Tensor, points_of: Callable[[Tensor], Tensor], c: Tensor, k: int, slack: int = SLACK
) -> tuple[Tensor, Tensor]:
    """The `k` candidates of highest score, put in order by their true distances.

    Args:
        queries: points, `(batch, dim)`.
        scores: `(batch, n)`, as from `similarity`; the lowest number of the dtype where a candidate is left out.
        points_of: the points of some candidates, indices `(batch, m)` -> `(batch, m, dim)`.
        c: curvature, a scalar >= 0.
        k: how many, at least 1; clamped to `n`.
        slack: candidates taken beyond `k` before the exact ordering.

    Returns:
        As `nearest`.
    """
    n = tf.shape(scores)[1]
    scores, indices = tf.math.top_k(scores, tf.minimum(k + slack, n))
    distances = poincare.distance(queries[:, tf.newaxis, :], points_of(indices), c)
    gone = tf.equal(scores, scores.dtype.min)
    distances = tf.where(gone, tf.constant(float("inf"), distances.dtype), distances)
    indices = tf.where(gone, -1, indices)
    # Catalogue order first, so that the stable sort by distance settles ties the same way for every batch and device.
    by_index = tf.argsort(tf.where(gone, n, indices), axis=1)
    distances, indices = tf.gather(distances, by_index, batch_dims=1), tf.gather(indices, by_index, batch_dims=1)
    order = tf.argsort(distances, axis=1, stable=True)[:, : tf.minimum(k, n)]
    return tf.gather(indices, order, batch_dims=1), tf.gather(distances, order, batch_dims=1)


def without(scores: Tensor, excluded: Tensor) -> Tensor:
    """Scores `(batch, n)` with the candidates of `excluded` `(batch, m)` at the lowest number; -1 excludes nothing."""
    excluded = tf.cast(excluded, tf.int32)
    padding = excluded < 0
    rows = tf.broadcast_to(tf.range(tf.shape(excluded)[0])[:, tf.newaxis], tf.shape(excluded))
    # Padding points at candidate 0 with a value that changes nothing.
    where = tf.stack([rows, tf.where(padding, 0, excluded)], axis=-1)
    values = tf.where(padding, scores.dtype.max, scores.dtype.min)
    return tf.tensor_scatter_nd_min(scores, where, tf.cast(values, scores.dtype))


def without_pairs(scores: Tensor, rows: Tensor, candidates: Tensor) -> Tensor:
    """Scores `(batch, n)` with the pairs (row, candidate), each `(pairs,)` int32, at the lowest number."""
    lowest = tf.fill(tf.shape(rows), scores.dtype.min)
    return tf.tensor_scatter_nd_min(scores, tf.stack([rows, candidates], axis=-1), lowest)
