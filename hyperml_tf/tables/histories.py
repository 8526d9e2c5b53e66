"""Interaction histories as a compressed sparse matrix, for use in graphs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf.numerics import Tensor


class Histories(NamedTuple):
    """The items of every user from the oldest to the newest, in CSR format: 8 bytes per user and 4 per item.

    Attributes:
        indptr: Offsets of the users, `(n_users + 1,)`, int64; a tensor or a variable, as `items`.
        items: Item codes, int32. Those of user `u` are `items[indptr[u]:indptr[u + 1]]`. There is at least one entry, so that
            masked reads are in range; entries from `indptr[-1]` on are padding.

    Example:

    >>> histories = Histories.of(np.array([0, 2, 3]), np.array([5, 1, 5]))
    >>> [values.numpy().tolist() for values in histories.pairs(tf.constant([1, 0]))]
    [[0, 1, 1], [5, 5, 1]]
    """

    indptr: Tensor
    items: Tensor

    @classmethod
    def of(cls, indptr: np.ndarray, items: np.ndarray, variables: str | None = None) -> Histories:
        """Creates histories from arrays.

        Args:
            indptr: Offsets, `(n_users + 1,)`.
            items: Item codes, which may be empty.
            variables: Optional string, a prefix of the names of variables that hold the arrays. Defaults to `None`, constants.
        """
        indptr, items = np.asarray(indptr, np.int64), padded(items)
        if variables is None:
            return cls(tf.constant(indptr), tf.constant(items))
        return cls(
            tf.Variable(indptr, trainable=False, name=f"{variables}_indptr"),
            # Of unknown size, so that checkpoints with any number of items can be restored.
            tf.Variable(items, trainable=False, shape=[None], name=f"{variables}_items"),
        )

    def counts(self, users: Tensor) -> Tensor:
        """Returns the number of items of users, `(...)`, int32, from their codes in `[0, n_users)`."""
        return tf.cast(tf.gather(self.indptr, users + 1) - tf.gather(self.indptr, users), tf.int32)

    def pairs(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the items of a batch of users as pairs.

        Args:
            users: User codes, `(batch,)`; -1 for unknown users, who have no items.

        Returns:
            Positions in the batch and item codes, `(pairs,)` each, int32.
        """
        owners, items, _ = self.newest(users)
        return owners, items

    def newest(self, users: Tensor, limit: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the newest items of a batch of users as pairs, from the oldest to the newest of each user.

        Args:
            users: User codes, `(batch,)`; -1 for unknown users, who have no items.
            limit: Optional integer, the maximum number of items per user. Defaults to `None`, all items.

        Returns:
            Positions in the batch, item codes, and numbers of newer items of the same user, `(pairs,)` each, int32.
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
        """Samples items of each user near one of their items, without that item itself.

        All items of users with at most `size` items are returned. Of other users, `size` items are sampled with replacement, at a
        distance from the given item, in either direction, whose mean is `window`; uniformly if `window` is `None` or the position
        of that item is unknown.

        Args:
            users: User codes in `[0, n_users)`, `(batch,)`.
            items: Item codes, `(batch,)`, which are left out.
            places: Positions of these items in `self.items`, `(batch,)`, int64; -1 if unknown.
            size: Integer, number of columns of the result.
            window: Optional float > 0, the mean distance in items.
            seed: Two integers, the seed of random draws.

        Returns:
            Item codes, int32, and a mask of valid entries, `(batch, size)` each.
        """
        counts = self.counts(users)[:, tf.newaxis]
        start = tf.gather(self.indptr, users)[:, tf.newaxis]
        place = tf.cast(places[:, tf.newaxis] - start, tf.int32)
        share = tf.random.stateless_uniform([tf.shape(users)[0], size], seed)
        # The product may be rounded up to `counts`.
        anywhere = tf.minimum(tf.cast(share * tf.cast(counts, tf.float32), tf.int32), counts - 1)
        drawn = tf.where(place < 0, anywhere, place + _steps(share, window)) if window is not None else anywhere
        drawn = tf.where(counts <= size, tf.range(size), drawn)
        inside = (drawn >= 0) & (drawn < counts)
        # Positions out of range are clipped: the mask discards their entries.
        last = tf.shape(self.items, tf.int64)[0] - 1
        found = tf.gather(self.items, tf.clip_by_value(start + tf.cast(drawn, tf.int64), 0, last))
        return found, inside & (found != items[:, tf.newaxis])


def padded(items: np.ndarray) -> np.ndarray:
    """Returns item codes with at least one entry, as `Histories` requires."""
    items = np.asarray(items, np.int32)
    return items if len(items) else np.zeros(1, np.int32)


def _steps(share: Tensor, mean: float) -> Tensor:
    """Int32 steps in either direction, of length at least 1 and of about the given mean, from uniform numbers in [0, 1)."""
    backward = share < 0.5
    # Given the direction, the rest of the number is uniform in (0, 1].
    rest = 1.0 - tf.where(backward, 2.0 * share, 2.0 * share - 1.0)
    size = tf.minimum(tf.math.ceil(-mean * tf.math.log(rest)), 2.0**30)
    size = tf.cast(tf.maximum(size, 1.0), tf.int32)
    return tf.where(backward, -size, size)
