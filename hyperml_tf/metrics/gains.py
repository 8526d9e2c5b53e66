"""Hit rate, nDCG and reciprocal rank as functions of the rank of the one relevant item, and their means in reports."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from hyperml_tf.numerics import Tensor

CUTOFFS = (5, 10, 20)
"""The cut-offs of reports."""


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


def reciprocal_rank(ranks: Tensor) -> Tensor:
    """Reciprocal of the 1-based rank, `1 / (rank + 1)`, of which MRR is the mean.

    Args:
        ranks: 0-based ranks, `(batch_size,)`.

    Returns:
        Gains, `(batch_size,)`, float32.

    Example:

    >>> reciprocal_rank([0, 3]).numpy()
    array([1.  , 0.25], dtype=float32)
    """
    return 1.0 / (tf.cast(tf.convert_to_tensor(ranks), tf.float32) + 1.0)


def mean_gains(ranks: Tensor, protocol: str, ks: Sequence[int] = CUTOFFS) -> dict[str, float]:
    """Mean hit rate, nDCG and reciprocal rank, under the names of reports, such as `full_hr@10` and `sampled100_mrr`.

    Args:
        ranks: 0-based ranks, `(users,)`.
        protocol: `"full"`, or `"sampled<m>"` for `m` sampled negatives.
        ks: Positive integers, the cut-offs of hit rate and nDCG. Defaults to `(5, 10, 20)`.

    Returns:
        A dictionary from metric names to means, which are NaN without any ranks.

    Example:

    >>> mean_gains([0, 3], "full", ks=(2,))
    {'full_hr@2': 0.5, 'full_ndcg@2': 0.5, 'full_mrr': 0.625}
    """
    gains = {f"hr@{k}": hit_rate(ranks, k) for k in ks}
    gains |= {f"ndcg@{k}": ndcg(ranks, k) for k in ks}
    gains["mrr"] = reciprocal_rank(ranks)
    return {f"{protocol}_{name}": float(tf.reduce_mean(values)) for name, values in gains.items()}
