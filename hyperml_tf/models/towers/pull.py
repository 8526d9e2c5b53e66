"""The contribution of the items of a history to the point of a user."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor
from hyperml_tf.settings import History


def pull(history: History, sums: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
    """Computes the tangent vectors of users from their items, without the offsets; see `HistoryTower`.

    Args:
        history: A `History`, the constants of the formula.
        sums: Weighted sums of the context vectors of the items, `(batch, dim)`.
        weights: Sums of the weights, `(batch,)`.
        counts: Number of items of each user, `(batch,)`, int32.

    Returns:
        `weight * sqrt(min(n, length))` times the weighted mean, `(batch, dim)`; zero vectors for users without items.

    Example:

    >>> pull(History(weight=0.5), [[2.0, 4.0]], [2.0], [4]).numpy().tolist()
    [[1.0, 2.0]]
    """
    strength = history.weight * tf.sqrt(tf.cast(tf.minimum(counts, history.length), tf.float32))
    return sums * tf.math.divide_no_nan(strength, weights)[:, tf.newaxis]


def recent_items(history: History) -> int:
    """Returns the number of newest items whose recent vectors are read, see `HistoryTower`: those of six half-lives."""
    return math.ceil(6 * history.recent_half_life)


def recent_weights(history: History, newer: Any) -> Any:
    """Returns the weights of the recent vectors of items, from the numbers of newer items, an array or a tensor."""
    if isinstance(newer, tf.Tensor):
        newer = tf.cast(newer, tf.float32)
    return history.recent_weight * 0.5 ** (newer / history.recent_half_life)
