"""Why an item is recommended: what leaving out an item of the user's history changes.

Items are ranked by `d(user, item)`, or just as well by the *lead* of an item, `d(user, origin) - d(user, item)`: how much nearer
it is than the origin, where the popular, general items are. The *pull* of an item of the history on a recommended item is the
lead that this one has, less the lead that it would have if the item were not in the history. The *share* of an item is its part
of the sum of all positive pulls, so shares sum to 1; items that push the recommended one away have negative pulls, and no share.

The distance alone would not do: an item that moves the user outward or inward changes the distances from all items alike, which
recommends none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor

MOST = 512
"""Number of newest items of a history that are left out in turn. Memory grows with it times the length of the history."""


class _Pulls(NamedTuple):
    ids: np.ndarray
    shares: np.ndarray
    pulls: np.ndarray
    distances: np.ndarray


class Explanation(_Pulls):
    """The items of the histories of users that draw them to recommended items, strongest first.

    The pull of an item of the history is how much it adds to the lead of the recommended item, the distance of the user from the
    origin less that from the item: the lead with the whole history, less the lead without this item. Its share is its part of the
    positive pulls. Shares sum to 1, or are all 0 if no pull is positive: that is so for users without a history, and for models
    that do not represent users by it.

    Args:
        ids: Raw ids of items of the history, `(pairs, m)`; `""` or -1 beyond its end.
        shares: Shares, `(pairs, m)`, float32, descending.
        pulls: Pulls, `(pairs, m)`, float32, descending.
        distances: Distances of the user and the recommended item, `(pairs,)`, float32.
        details: Columns of an `ItemTable` beside the ids, such as titles. They are no member of the tuple. Defaults to `None`, no
            columns.

    Example:

    >>> Explanation(np.array([["a"]]), np.array([[1.0]]), np.array([[0.3]]), np.array([2.0])).ids.tolist()
    [['a']]
    """

    details: Mapping[str, np.ndarray] = MappingProxyType({})

    def __new__(
        cls,
        ids: np.ndarray,
        shares: np.ndarray,
        pulls: np.ndarray,
        distances: np.ndarray,
        details: Mapping[str, np.ndarray] | None = None,
    ) -> Explanation:
        made = super().__new__(cls, ids, shares, pulls, distances)
        made.details = details or MappingProxyType({})
        return made


def leave_one_out(items: Tensor) -> tuple[Tensor, Tensor]:
    """Selects all items of histories but one, for each of the newest `MOST` items.

    Args:
        items: Item codes from the oldest to the newest, `(batch, n)`; -1 is padding.

    Returns:
        The items that are left out, from the newest on, `(batch, m)`, and which items are left without them, `(batch, m, n)`.

    Example:

    >>> left_out, known = leave_one_out(tf.constant([[-1, 7, 8]]))
    >>> left_out.numpy().tolist(), known.numpy().tolist()
    ([[8, 7, -1]], [[[False, True, False], [False, False, True], [False, True, True]]])
    """
    n = tf.shape(items)[1]
    places = n - 1 - tf.range(tf.minimum(n, MOST))
    known = (items >= 0)[:, tf.newaxis] & (places[:, tf.newaxis] != tf.range(n))
    return tf.gather(items, places, axis=1), known


def strongest(
    users: Tensor, without: Tensor, left_out: Tensor, items: Tensor, c: Tensor, k: int | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Computes pulls and shares, strongest first.

    Args:
        users: Points of users, `(batch, dim)`.
        without: Their points without one item of their histories each, `(batch, m, dim)`.
        left_out: The codes of these items, `(batch, m)`; -1 is padding.
        items: Points of recommended items, `(batch, dim)`.
        c: Scalar >= 0, curvature.
        k: Optional integer >= 1, number of items to return. Defaults to `None`, all `m`.

    Returns:
        Item codes, shares and pulls, `(batch, k)` each, padded with -1 and 0; and distances, `(batch,)`.
    """
    distances = poincare.distance(users, items, c)
    lead = poincare.distance(users, tf.zeros_like(users), c) - distances
    leads = poincare.distance(without, tf.zeros_like(without), c) - poincare.distance(without, items[:, tf.newaxis], c)
    pulls = tf.where(left_out < 0, 0.0, lead[:, tf.newaxis] - leads)
    nearer = tf.maximum(pulls, 0.0)
    shares = tf.math.divide_no_nan(nearer, tf.reduce_sum(nearer, axis=1, keepdims=True))
    m = tf.shape(pulls)[1]
    size = m if k is None else tf.constant(k)
    # Padding comes last; among ties, the newest item comes first.
    _, order = tf.math.top_k(tf.where(left_out < 0, -float("inf"), pulls), tf.minimum(size, m))
    beyond = [[0, 0], [0, tf.maximum(size - m, 0)]]
    codes, shares, pulls = (tf.gather(values, order, batch_dims=1) for values in (left_out, shares, pulls))
    return tf.pad(codes, beyond, constant_values=-1), tf.pad(shares, beyond), tf.pad(pulls, beyond), distances
