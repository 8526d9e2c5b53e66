"""Ranks of held-out items, and what is computed from them. A tie counts against the model, and so does NaN."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def at_least(scores: Tensor, reference: Tensor) -> Tensor:
    """`scores >= reference`, where a NaN on either side counts as True: a model never wins by returning NaN."""
    return tf.logical_not(scores < reference)


def rank_among(target: Tensor, others: Tensor) -> Tensor:
    """0-based rank of a target among other candidates.

    Args:
        target: scores of the targets, higher is better, `(batch,)`.
        others: scores of the candidates each target competes with, `(batch, n)`.

    Returns:
        How many of the others score at least as high, `(batch,)`, int32; 0 is the best rank.

    Example:

    >>> rank_among([0.5], [[0.9, 0.5, 0.1]]).numpy().tolist()
    [2]
    """
    target, others = tf.convert_to_tensor(target), tf.convert_to_tensor(others)
    # Those that are not below: what `at_least` says, in fewer passes over the scores.
    below = tf.reduce_sum(tf.cast(others < target[:, tf.newaxis], tf.int32), axis=1)
    return tf.shape(others)[1] - below


def rank_in_catalogue(scores: Tensor, target: Tensor, excluded_rows: Tensor, excluded: Tensor) -> Tensor:
    """0-based rank of a target among all candidates but the excluded ones, without masking the score matrix.

    Args:
        scores: scores of every candidate, higher is better, `(batch, n)`.
        target: index of the target candidate of each row, `(batch,)`. It competes also if it is among the excluded.
        excluded_rows: row of each excluded pair, `(pairs,)`, as from a ragged tensor.
        excluded: candidate of each excluded pair, `(pairs,)`, no pair twice.

    Returns:
        Ranks, `(batch,)`, int32.

    Example:

    >>> rank_in_catalogue([[0.9, 0.8, 0.1]], [1], excluded_rows=[0], excluded=[0]).numpy().tolist()
    [0]
    """
    scores, target = tf.convert_to_tensor(scores), tf.cast(target, tf.int32)
    excluded_rows, excluded = tf.cast(excluded_rows, tf.int32), tf.cast(excluded, tf.int32)
    reference = tf.gather(scores, target, batch_dims=1)
    # The target itself is counted once, because a score is at least itself.
    above = rank_among(reference, scores) - 1
    seen_above = at_least(
        tf.gather_nd(scores, tf.stack([excluded_rows, excluded], axis=1)), tf.gather(reference, excluded_rows)
    )
    seen_above = tf.logical_and(seen_above, tf.not_equal(excluded, tf.gather(target, excluded_rows)))
    return above - tf.math.unsorted_segment_sum(tf.cast(seen_above, tf.int32), excluded_rows, tf.shape(scores)[0])


def hit_rate(ranks: Tensor, k: int) -> Tensor:
    """1 where the target is among the first `k`, else 0; `ranks` `(batch,)` -> float32 `(batch,)`."""
    return tf.cast(tf.convert_to_tensor(ranks) < k, tf.float32)


def ndcg(ranks: Tensor, k: int) -> Tensor:
    """nDCG@k with a single relevant item, `1 / log2(rank + 2)` within the first `k`, else 0; `(batch,)` -> `(batch,)`."""
    ranks = tf.convert_to_tensor(ranks)
    gain = tf.math.log(2.0) / tf.math.log(tf.cast(ranks, tf.float32) + 2.0)
    return tf.where(ranks < k, gain, tf.zeros_like(gain))


def summarize(ranks: Tensor, protocol: str, ks: Sequence[int] = (10,)) -> dict[str, float]:
    """Mean metrics under the names every report of the package uses, such as `full_hr@10` and `sampled100_ndcg@10`.

    Args:
        ranks: 0-based ranks, `(users,)`.
        protocol: `"full"` or `"sampled100"` (any other number of negatives likewise).
        ks: cut-offs.

    Returns:
        Metric names and their means; an empty set of ranks gives NaN, because it has no mean.

    Example:

    >>> summarize([0, 20], "full")
    {'full_hr@10': 0.5, 'full_ndcg@10': 0.5}
    """
    report = {}
    for k in ks:
        report[f"{protocol}_hr@{k}"] = float(tf.reduce_mean(hit_rate(ranks, k)))
        report[f"{protocol}_ndcg@{k}"] = float(tf.reduce_mean(ndcg(ranks, k)))
    return report
