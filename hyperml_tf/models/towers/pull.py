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
        sums: Weighted sums of the context vectors of the items, `(..., dim)`.
        weights: Sums of the weights, `(...)`.
        counts: Number of items of each user, `(...)`, int32.

    Returns:
        `weight * sqrt(min(n, length))` times the weighted mean, `(..., dim)`; zero vectors for users without items.

    Example:

    >>> pull(History(weight=0.5), [[2.0, 4.0]], [2.0], [4]).numpy().tolist()
    [[1.0, 2.0]]
    """
    strength = history.weight * tf.sqrt(tf.cast(tf.minimum(counts, history.length), tf.float32))
    return sums * tf.math.divide_no_nan(strength, weights)[..., tf.newaxis]


def pull_of_selections(
    history: History, known: Tensor, context: Tensor, recent: Tensor | None = None, half_life: float | None = None
) -> Tensor:
    """Computes the tangent vectors of users, without the offsets, from their items: from several selections of the same items.

    Args:
        history: A `History`, the constants of the formula, see `HistoryTower`.
        known: Boolean, which of the `n` items, from the oldest to the newest, are in each selection, `(batch, selections, n)`.
        context: Context vectors of the items, `(batch, n, dim)`.
        recent: Their recent vectors, `(batch, n, dim)`. Defaults to `None`, without.
        half_life: Optional float > 0, a half-life instead of that of `history`. Defaults to `None`.

    Returns:
        Tangent vectors, `(batch, selections, dim)`.

    Example:

    >>> known = tf.constant([[[True, True], [False, True]]])
    >>> pull_of_selections(History(weight=1.0, half_life=None), known, tf.constant([[[2.0], [4.0]]])).numpy().ravel().round(3)
    array([4.243, 4.   ], dtype=float32)
    """
    weights = item_weights(known, half_life or history.half_life or math.inf)
    counts = tf.reduce_sum(tf.cast(known, tf.int32), axis=-1)
    pulled = pull(history, tf.matmul(weights, context), tf.reduce_sum(weights, axis=-1), counts)
    if recent is None:
        return pulled
    later = later_items(known)
    weights = tf.where(known & (later < recent_items(history)), recent_weights(history, later), 0.0)
    return pulled + tf.matmul(weights, recent)


def item_weights(known: Tensor, half_life: float) -> Tensor:
    """Returns the weights of items, float32, like `known`: 1 for the newest known item, half as much `half_life` items before."""
    return tf.where(known, tf.pow(0.5, tf.cast(later_items(known), tf.float32) / half_life), 0.0)


def later_items(known: Tensor) -> Tensor:
    """Returns the number of known items after each one, int32, like `known`."""
    return tf.cumsum(tf.cast(known, tf.int32), axis=-1, exclusive=True, reverse=True)


def recent_items(history: History) -> int:
    """Returns the number of newest items whose recent vectors are read, see `HistoryTower`: those of six half-lives."""
    return math.ceil(6 * history.recent_half_life)


def recent_weights(history: History, newer: Any) -> Any:
    """Returns the weights of the recent vectors of items, from the numbers of newer items, an array or a tensor."""
    if isinstance(newer, tf.Tensor):
        newer = tf.cast(newer, tf.float32)
    return history.recent_weight * 0.5 ** (newer / history.recent_half_life)
