"""How far the items of users pull them."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.numerics import Tensor
from hyperml_tf.settings import History


def pull(history: History, sums: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
    """The tangent vectors to which their items pull users.

    Args:
        history: how users are placed by their items.
        sums: weighted sums of the items' vectors, `(batch, dim)`.
        weights: sums of the weights, `(batch,)`.
        counts: the number of items of each user, `(batch,)` int32.

    Returns:
        `weight * sqrt(min(n, length))` times the weighted mean, `(batch, dim)`; 0 for users without items.

    Example:

    >>> pull(History(weight=0.5), [[2.0, 4.0]], [2.0], [4]).numpy().tolist()
    [[1.0, 2.0]]
    """
    strength = history.weight * tf.sqrt(tf.cast(tf.minimum(counts, history.length), tf.float32))
    return sums * tf.math.divide_no_nan(strength, weights)[:, tf.newaxis]
