"""Hit rate and nDCG as functions of the rank of the one relevant item, and their means under the names of reports."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def hit_rate(ranks: Tensor, k: int) -> Tensor:
    """1 for ranks below `k` and 0 for others.

    Args:
        ranks: 0-based ranks, `(batch_size,)`.
        k: Positive integer, the cut-off.

    Returns:
        Hits, `(batch_size,)`, float32.

    Example:

    >>> hit_rate([0, 1, 2], k=2).numpy()
    array([1., 1., 0.], dtype=float32)
    """
    return tf.cast(tf.convert_to_tensor(ranks) < k, tf.float32)


def ndcg(ranks: Tensor, k: int) -> Tensor:
    """nDCG@k of one relevant item, `1 / log2(rank + 2)` for ranks below `k` and 0 for others.

    Args:
        ranks: 0-based ranks, `(batch_size,)`.
        k: Positive integer, the cut-off.

    Returns:
        Gains, `(batch_size,)`, float32.

    Example:

    >>> ndcg([0, 2, 3], k=3).numpy()
    array([1. , 0.5, 0. ], dtype=float32)
    """
    ranks = tf.convert_to_tensor(ranks)
    gain = tf.math.log(2.0) / tf.math.log(tf.cast(ranks, tf.float32) + 2.0)
    return tf.where(ranks < k, gain, tf.zeros_like(gain))


def mean_gains(ranks: Tensor, protocol: str, ks: Sequence[int] = (10,)) -> dict[str, float]:
    """Mean hit rate and nDCG, under the names that reports use, such as `full_hr@10` and `sampled100_ndcg@10`.

    Args:
        ranks: 0-based ranks, `(users,)`.
        protocol: `"full"`, or `"sampled<m>"` for `m` sampled negatives.
        ks: Positive integers, the cut-offs. Defaults to `(10,)`.

    Returns:
        A dictionary from metric names to means, which are NaN without any ranks.

    Example:

    >>> mean_gains([0, 20], "full")
    {'full_hr@10': 0.5, 'full_ndcg@10': 0.5}
    """
    report = {}
    for k in ks:
        report[f"{protocol}_hr@{k}"] = float(tf.reduce_mean(hit_rate(ranks, k)))
        report[f"{protocol}_ndcg@{k}"] = float(tf.reduce_mean(ndcg(ranks, k)))
    return report
