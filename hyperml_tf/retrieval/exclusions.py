"""Exclusion of candidates from retrieval."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf.numerics import Tensor


class Exclusion(NamedTuple):
    """Candidates that may not be found, made by the functions of this module.

    Attributes:
        queries: Positions in the batch of excluded pairs, `(pairs,)`, int32.
        candidates: Indices of their candidates, `(pairs,)`, int32; -1 is padding.
        left_out: Mask of queries for which all candidates are excluded, `(batch,)`; `None` if there are none.
        kept: Indices of the only candidates that may be found, `(batch, m)`, int32, -1 is padding; `None` if all may.
    """

    queries: Tensor
    candidates: Tensor
    left_out: Tensor | None = None
    kept: Tensor | None = None

    def at(self, place: Tensor) -> Exclusion:
        """Returns the same exclusions for candidates in another order: candidate `i` is in row `place[i]`."""
        kept = None if self.kept is None else _rows_at(self.kept, place)
        return self._replace(candidates=_rows_at(self.candidates, place), kept=kept)

    def most(self, batch: Tensor) -> Tensor:
        """Returns the largest number of pairs of a query, a scalar. Pairs that occur twice count twice."""
        counts = tf.math.bincount(self.queries, minlength=batch, maxlength=batch)
        return tf.reduce_max(tf.concat([counts, [0]], axis=0))

    def apply(self, scores: Tensor) -> Tensor:
        """Returns scores, `(batch, n)`, with the lowest number of their dtype for excluded candidates."""
        # A scatter copies all scores, and fails for rows below 0.
        there = tf.where(self.candidates >= 0)[:, 0]
        where = tf.stack([tf.gather(self.queries, there), tf.gather(self.candidates, there)], axis=-1)
        lowest = tf.fill(tf.shape(there), scores.dtype.min)
        scores = tf.tensor_scatter_nd_min(scores, where, lowest)
        if self.kept is not None:
            scores = tf.where(_marks(self.kept, tf.shape(scores)[1]), scores, scores.dtype.min)
        return self.apply_to_queries(scores)

    def apply_to_queries(self, scores: Tensor) -> Tensor:
        """Returns scores, `(batch, ...)`, with the lowest number of their dtype for the queries that are left out."""
        return scores if self.left_out is None else tf.where(self.left_out[:, tf.newaxis], scores.dtype.min, scores)


def exclude_matrix(candidates: Tensor) -> Exclusion:
    """Excludes `m` candidates per query.

    Args:
        candidates: Integer indices of candidates, `(batch, m)`; -1 is padding.
    """
    return Exclusion(*matrix_pairs(tf.cast(candidates, tf.int32)))


def exclude_pairs(queries: Tensor, candidates: Tensor) -> Exclusion:
    """Excludes (query, candidate) pairs.

    Args:
        queries: Positions in the batch, `(pairs,)`, int32.
        candidates: Indices of candidates, `(pairs,)`, int32.
    """
    return Exclusion(tf.cast(queries, tf.int32), tf.cast(candidates, tf.int32))


def exclude_others(candidates: Tensor) -> Exclusion:
    """Excludes all but `m` candidates per query.

    Args:
        candidates: Integer indices of candidates, `(batch, m)`; -1 is padding.
    """
    return Exclusion(*_no_pairs(), kept=tf.cast(candidates, tf.int32))


def exclude_queries(left_out: Tensor) -> Exclusion:
    """Excludes all candidates for the queries where the mask `left_out`, `(batch,)`, is true."""
    return Exclusion(*_no_pairs(), left_out=left_out)


def exclude_all(*exclusions: Exclusion | None) -> Exclusion | None:
    """Combines exclusions, of which one at most may be of `exclude_others`; `None` if none is given."""
    given = [exclusion for exclusion in exclusions if exclusion is not None]
    if not given:
        return None
    masks = [one.left_out for one in given if one.left_out is not None]
    left_out = None if not masks else tf.reduce_any(tf.stack(masks), axis=0)
    kept = [one.kept for one in given if one.kept is not None]
    if len(kept) > 1:
        raise ValueError("`exclusions` must have one list of candidates to keep at most. Received: several")
    queries, candidates = (tf.concat([one[column] for one in given], axis=0) for column in (0, 1))
    return Exclusion(queries, candidates, left_out, kept[0] if kept else None)


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
    # Of no numbers at all, `searchsorted` fails.
    places = tf.searchsorted(keys, tf.concat([tf.reshape(wanted, [-1]), last], axis=0))[:-1]
    found = tf.reshape(tf.gather(keys, places), tf.shape(wanted)) == wanted
    return tf.where(found, -1, candidates)


def _keys(queries: Tensor, candidates: Tensor) -> Tensor:
    """One number for each pair."""
    return tf.cast(queries, tf.int64) * 2**32 + tf.cast(candidates, tf.int64)


def _rows_at(candidates: Tensor, place: Tensor) -> Tensor:
    """The rows of candidates; -1 stays."""
    return tf.where(candidates < 0, -1, tf.gather(place, tf.maximum(candidates, 0)))


def _marks(kept: Tensor, n: Tensor) -> Tensor:
    """A mask of the candidates that may be found, `(batch, n)`."""
    queries, candidates = matrix_pairs(kept)
    # Padding marks a candidate after the last.
    where = tf.stack([queries, tf.where(candidates < 0, n, candidates)], axis=-1)
    shape = tf.stack([tf.shape(kept)[0], n + 1])
    return tf.tensor_scatter_nd_update(tf.zeros(shape, tf.bool), where, tf.ones_like(candidates, tf.bool))[:, :n]


def _no_pairs() -> tuple[Tensor, Tensor]:
    return tf.zeros([0], tf.int32), tf.zeros([0], tf.int32)
