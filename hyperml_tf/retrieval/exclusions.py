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


def _rows_at(candidates: Tensor, place: Tensor | None) -> Tensor:
    return candidates if place is None else tf.gather(place, candidates)
