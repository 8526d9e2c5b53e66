"""Pessimistic ranks: a target ranks behind every candidate with an equal score, and a NaN score counts as equal.

A model can therefore not gain from constant or NaN scores.
"""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def rank_among(target: Tensor, others: Tensor, present: Tensor | None = None) -> Tensor:
    """0-based pessimistic rank of a target among other candidates.

    Args:
        target: Scores of the targets, higher is better, `(batch_size,)`.
        others: Scores of the candidates that each target competes with, `(batch_size, n)`.
        present: Booleans, `(batch_size, n)`, False for candidates that do not compete. Defaults to `None`: all do.

    Returns:
        The number of candidates that score at least as high as the target, `(batch_size,)`, int32.

    Example:

    >>> rank_among([0.5], [[0.9, 0.5, 0.1]]).numpy()
    array([2], dtype=int32)
    """
    target, others = tf.convert_to_tensor(target), tf.convert_to_tensor(others)
    # Counts those below, and so ranks NaN like a tie in one pass over the scores.
    below = others < target[:, tf.newaxis]
    if present is not None:
        below |= tf.logical_not(present)
    below = tf.reduce_sum(tf.cast(below, tf.int32), axis=1)
    return tf.shape(others)[1] - below


def rank_among_sampled(scores: Tensor, target: Tensor, sampled: Tensor) -> Tensor:
    """0-based pessimistic rank of a target among sampled candidates.

    Args:
        scores: Scores of all candidates, higher is better, `(batch_size, n)`.
        target: Indices of the targets, `(batch_size,)`.
        sampled: Indices of the candidates that each target competes with, `(batch_size, m)`; -1 is padding.

    Returns:
        Ranks, `(batch_size,)`, int32.

    Example:

    >>> rank_among_sampled([[0.9, 0.8, 0.1]], [1], [[0, 2, -1]]).numpy()
    array([1], dtype=int32)
    """
    scores, sampled = tf.convert_to_tensor(scores), tf.cast(sampled, tf.int32)
    others = tf.gather(scores, tf.maximum(sampled, 0), batch_dims=1)
    return rank_among(tf.gather(scores, target, batch_dims=1), others, sampled >= 0)


def rank_in_catalogue(scores: Tensor, target: Tensor, excluded_rows: Tensor, excluded: Tensor) -> Tensor:
    """0-based pessimistic rank of a target among all candidates that are not excluded.

    The score matrix is not masked: the rank among all candidates is corrected by the excluded ones, given as pairs.

    Args:
        scores: Scores of all candidates, higher is better, `(batch_size, n)`.
        target: Indices of the targets, `(batch_size,)`. A target competes even if it is among the excluded candidates.
        excluded_rows: Row of each excluded candidate, `(pairs,)`.
        excluded: Index of each excluded candidate, `(pairs,)`. No pair may occur twice.

    Returns:
        Ranks, `(batch_size,)`, int32.

    Example:

    >>> rank_in_catalogue([[0.9, 0.8, 0.1]], [1], excluded_rows=[0], excluded=[0]).numpy()
    array([0], dtype=int32)
    """
    scores, target = tf.convert_to_tensor(scores), tf.cast(target, tf.int32)
    excluded_rows, excluded = tf.cast(excluded_rows, tf.int32), tf.cast(excluded, tf.int32)
    reference = tf.gather(scores, target, batch_dims=1)
    # Minus the target itself, which ties with itself.
    rank = rank_among(reference, scores) - 1
    excluded_scores = tf.gather_nd(scores, tf.stack([excluded_rows, excluded], axis=1))
    # Negated for NaN, as in `rank_among`.
    counted = tf.logical_not(excluded_scores < tf.gather(reference, excluded_rows))
    counted = tf.logical_and(counted, tf.not_equal(excluded, tf.gather(target, excluded_rows)))
    return rank - tf.math.unsorted_segment_sum(tf.cast(counted, tf.int32), excluded_rows, tf.shape(scores)[0])
