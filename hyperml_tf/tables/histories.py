"""The items of every user as a compressed sparse matrix, and the graph functions that read it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf.numerics import Tensor


class Histories(NamedTuple):
    """The items of every user, from the oldest to the newest: 8 bytes per user and 4 per item.

    Attributes:
        indptr: where the items of each user begin, `(n_users + 1,)` int64, a tensor or a variable.
        items: item codes, int32; those of user `u` are `items[indptr[u]:indptr[u + 1]]`. It has at least one entry, so that any
            code may be read where a mask discards the result; entries from `indptr[-1]` on belong to nobody.

    Example:

    >>> histories = Histories.of(np.array([0, 2, 3]), np.array([5, 1, 5]))
    >>> [values.numpy().tolist() for values in histories.pairs(tf.constant([1, 0]))]
    [[0, 1, 1], [5, 5, 1]]
    """

    indptr: Tensor
    items: Tensor

    @classmethod
    def of(cls, indptr: np.ndarray, items: np.ndarray, variables: str | None = None) -> Histories:
        """Histories from arrays.

        Args:
            indptr, items: as the attributes; `items` may be empty.
            variables: keeps them in variables whose names begin so; None: in constants.
        """
        indptr, items = np.asarray(indptr, np.int64), padded(items)
        if variables is None:
            return cls(tf.constant(indptr), tf.constant(items))
        return cls(
            tf.Variable(indptr, trainable=False, name=f"{variables}_indptr"),
            # Without a size of its own: a checkpoint of any number of items can be restored.
            tf.Variable(items, trainable=False, shape=[None], name=f"{variables}_items"),
        )

    def counts(self, users: Tensor) -> Tensor:
        """The number of items of each user, `(...)` codes in `[0, n_users)` -> `(...)` int32."""
        return tf.cast(tf.gather(self.indptr, users + 1) - tf.gather(self.indptr, users), tf.int32)

    def pairs(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """The pairs of some users: position in the batch and item code, both `(pairs,)` int32.

        Args:
            users: codes, `(batch,)`; -1 stands for an unknown user, who has no items.
        """
        owners, items, _ = self.newest(users)
        return owners, items

    def newest(self, users: Tensor, limit: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The newest items of some users, each user's from the oldest to the newest.

        Args:
            users: codes, `(batch,)`; -1 stands for an unknown user, who has no items.
            limit: the largest number of items per user; None: all items.

        Returns:
            Position in the batch, item code, and how many newer items the user has, all `(pairs,)` int32.
        """
        known = tf.maximum(users, 0)
        starts = tf.gather(self.indptr, known)
        ends = tf.where(users < 0, starts, tf.gather(self.indptr, known + 1))
        starts = starts if limit is None else tf.maximum(starts, ends - limit)
        rows = tf.ragged.range(starts, ends)
        owners = tf.cast(rows.value_rowids(), tf.int32)
        newer = tf.cast(tf.gather(ends, owners) - 1 - rows.values, tf.int32)
        return owners, tf.gather(self.items, rows.values), newer

    def around(
        self, users: Tensor, items: Tensor, places: Tensor, size: int, window: float | None, seed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draws items of each user near one of them, and leaves that one out.

        Of users with at most `size` items all are returned. Of the others `size` are drawn with replacement, at a distance in
        places whose mean is `window`, before or after the one left out; uniformly where `window` is None or that one is unknown.

        Args:
            users: codes in `[0, n_users)`, `(batch,)`.
            items: codes of the items to leave out, `(batch,)`.
            places: where these are in `self.items`, `(batch,)` int64; -1 if unknown.
            size: number of columns of the result.
            window: mean distance in places, > 0, or None.
            seed: two integers; the same seed draws the same.

        Returns:
            Item codes int32, and whether each entry counts, both `(batch, size)`.
        """
        counts = self.counts(users)[:, tf.newaxis]
        start = tf.gather(self.indptr, users)[:, tf.newaxis]
        place = tf.cast(places[:, tf.newaxis] - start, tf.int32)
        share = tf.random.stateless_uniform([tf.shape(users)[0], size], seed)
        # A product may round up to the count itself.
        anywhere = tf.minimum(tf.cast(share * tf.cast(counts, tf.float32), tf.int32), counts - 1)
        drawn = tf.where(place < 0, anywhere, place + _steps(share, window)) if window is not None else anywhere
        drawn = tf.where(counts <= size, tf.range(size), drawn)
        inside = (drawn >= 0) & (drawn < counts)
        # What lies outside, or belongs to a user without history, reads some entry that the mask discards.
        last = tf.shape(self.items, tf.int64)[0] - 1
        found = tf.gather(self.items, tf.clip_by_value(start + tf.cast(drawn, tf.int64), 0, last))
        return found, inside & (found != items[:, tf.newaxis])


def padded(items: np.ndarray) -> np.ndarray:
    """Item codes with at least one entry, as `Histories` needs them."""
    items = np.asarray(items, np.int32)
    return items if len(items) else np.zeros(1, np.int32)


def _steps(share: Tensor, mean: float) -> Tensor:
    """Numbers uniform in [0, 1) -> steps in either direction, at least 1 long and of about this mean length, int32."""
    backward = share < 0.5
    # What is left of the number after the choice of a direction is uniform too, in (0, 1].
    rest = 1.0 - tf.where(backward, 2.0 * share, 2.0 * share - 1.0)
    size = tf.minimum(tf.math.ceil(-mean * tf.math.log(rest)), 2.0**30)
    size = tf.cast(tf.maximum(size, 1.0), tf.int32)
    return tf.where(backward, -size, size)
