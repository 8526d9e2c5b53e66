"""Interaction histories as a compressed sparse matrix, for use in graphs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.numerics import Tensor


@names_arguments
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

    def matrix(self, users: Tensor) -> Tensor:
        """Returns the items of a batch of users, from the oldest to the newest, `(batch, n)`; -1 before the oldest.

        Args:
            users: User codes in `[0, n_users)`, `(batch,)`.
        """
        counts = self.counts(users)
        longest = tf.maximum(tf.reduce_max(counts), 0)
        return self.window(users, counts, longest, 0)[:, :longest]

    def window(self, users: Tensor, places: Tensor, before: int, after: int) -> Tensor:
        """Returns the items around a place in the history of each user.

        Args:
            users: User codes in `[0, n_users)`, `(batch,)`.
            places: Places in the histories of these users, `(batch,)`, int32: 0 is the oldest item, and the number of items is
                the place of the next one.
            before: Integer >= 0, number of items before the place.
            after: Integer >= 0, number of items after the place.

        Returns:
            Item codes at the places `place - before, ..., place + after`, `(batch, before + 1 + after)`, int32; -1 beyond either
            end of the history.
        """
        start = tf.gather(self.indptr, users)[:, tf.newaxis]
        wanted = places[:, tf.newaxis] + tf.range(-before, after + 1)
        inside = (wanted >= 0) & (wanted < self.counts(users)[:, tf.newaxis])
        return tf.where(inside, tf.gather(self.items, tf.where(inside, start + tf.cast(wanted, tf.int64), 0)), -1)


def padded(items: np.ndarray) -> np.ndarray:
    """Returns item codes with at least one entry, as `Histories` requires."""
    items = np.asarray(items, np.int32)
    return items if len(items) else np.zeros(1, np.int32)
