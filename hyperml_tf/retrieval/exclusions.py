"""Exclusion of candidates from retrieval."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from hyperml_tf.numerics import Tensor

Exclusion = Callable[[Tensor, "Tensor | None"], Tensor]
"""A function of scores, `(n, batch)`, and the row of each candidate, `(n,)`, or `None` if row `i` is candidate `i`. It returns
the scores, with the lowest number of their dtype for excluded candidates."""


def exclude_matrix(candidates: Tensor) -> Exclusion:
    """Excludes `m` candidates per query.

    Args:
        candidates: Integer indices of candidates, `(batch, m)`; -1 is padding.
    """

    def exclude(scores: Tensor, place: Tensor | None) -> Tensor:
        excluded = tf.cast(candidates, tf.int32)
        padding = excluded < 0
        columns = tf.broadcast_to(tf.range(tf.shape(excluded)[0])[:, tf.newaxis], tf.shape(excluded))
        # For padding, the minimum of the score of candidate 0 and the largest number is that score.
        where = tf.stack([_rows_at(tf.where(padding, 0, excluded), place), columns], axis=-1)
        values = tf.where(padding, scores.dtype.max, scores.dtype.min)
        return tf.tensor_scatter_nd_min(scores, where, tf.cast(values, scores.dtype))

    return exclude


def exclude_pairs(queries: Tensor, candidates: Tensor) -> Exclusion:
    """Excludes (query, candidate) pairs.

    Args:
        queries: Positions in the batch, `(pairs,)`, int32.
        candidates: Indices of candidates, `(pairs,)`, int32.
    """

    def exclude(scores: Tensor, place: Tensor | None) -> Tensor:
        lowest = tf.fill(tf.shape(queries), scores.dtype.min)
        where = tf.stack([_rows_at(candidates, place), queries], axis=-1)
        return tf.tensor_scatter_nd_min(scores, where, lowest)

    return exclude


def exclude_others(candidates: Tensor) -> Exclusion:
    """Excludes all but `m` candidates per query.

    Args:
        candidates: Integer indices of candidates, `(batch, m)`; -1 is padding.
    """

    def exclude(scores: Tensor, place: Tensor | None) -> Tensor:
        kept = tf.cast(candidates, tf.int32)
        padding, n = kept < 0, tf.shape(scores)[0]
        columns = tf.broadcast_to(tf.range(tf.shape(kept)[0])[:, tf.newaxis], tf.shape(kept))
        # Padding marks a row after the last.
        rows = tf.where(padding, n, _rows_at(tf.where(padding, 0, kept), place))
        shape = tf.stack([n + 1, tf.shape(scores)[1]])
        where = tf.stack([rows, columns], axis=-1)
        marks = tf.tensor_scatter_nd_update(tf.zeros(shape, tf.bool), where, tf.ones_like(padding))
        return tf.where(marks[:n], scores, scores.dtype.min)

    return exclude


def exclude_queries(left_out: Tensor) -> Exclusion:
    """Excludes all candidates for the queries where the mask `left_out`, `(batch,)`, is true."""
    return lambda scores, place: tf.where(left_out, scores.dtype.min, scores)


def exclude_all(*exclusions: Exclusion | None) -> Exclusion | None:
    """Combines exclusions; `None` if none is given."""
    given = [exclusion for exclusion in exclusions if exclusion is not None]
    if not given:
        return None

    def exclude(scores: Tensor, place: Tensor | None) -> Tensor:
        for exclusion in given:
            scores = exclusion(scores, place)
        return scores

    return exclude


def matrix_pairs(candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a matrix of candidates, `(batch, m)`, as pairs: positions in the batch and candidates, `(batch * m,)` each."""
    shape = tf.shape(candidates)
    return tf.repeat(tf.range(shape[0]), shape[1]), tf.reshape(candidates, [-1])


def without_pairs(candidates: Tensor, queries: Tensor, excluded: Tensor) -> Tensor:
    """Takes (query, candidate) pairs out of lists of candidates, without a pass over the catalogue.

    Args:
        candidates: Int32 indices of candidates, `(batch, n)`; -1 is padding.
        queries: Positions in the batch, `(pairs,)`, int32.
        excluded: Indices of candidates, `(pairs,)`, int32.

    Returns:
        The candidates, with -1 in place of those that are excluded.

    Example:

    >>> without_pairs(tf.constant([[3, 5], [3, -1]]), tf.constant([0, 1]), tf.constant([5, 4])).numpy().tolist()
    [[3, -1], [3, -1]]
    """
    last = tf.constant([tf.int64.max], tf.int64)
    keys = tf.concat([tf.sort(_keys(queries, excluded)), last], axis=0)
    wanted = _keys(tf.range(tf.shape(candidates)[0])[:, tf.newaxis], candidates)
    places = tf.searchsorted(keys, tf.reshape(wanted, [-1]))
    found = tf.reshape(tf.gather(keys, places), tf.shape(wanted)) == wanted
    return tf.where(found, -1, candidates)


def _keys(queries: Tensor, candidates: Tensor) -> Tensor:
    """One number for each pair."""
    return tf.cast(queries, tf.int64) * 2**32 + tf.cast(candidates, tf.int64)


def _rows_at(candidates: Tensor, place: Tensor | None) -> Tensor:
    return candidates if place is None else tf.gather(place, candidates)
