"""Hit rate and nDCG as functions of the rank of the one relevant item, in graphs of TensorFlow."""

from __future__ import annotations

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
