"""What each user has interacted with, inside an export."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from hyperml_tf.numerics import Tensor


class SeenRows(tf.Module):
    """The items of every user as a compressed sparse matrix: 8 bytes a user and 4 a row.

    Args:
        indptr: `(n_users + 1,)`.
        indices: `(rows,)` item codes; those of user `u` are `indices[indptr[u]:indptr[u + 1]]`.
    """

    def __init__(self, indptr: np.ndarray, indices: np.ndarray) -> None:
        super().__init__(name="seen")
        self.indptr = tf.Variable(np.asarray(indptr, np.int64), trainable=False, name="seen_indptr")
        self.indices = tf.Variable(np.asarray(indices, np.int32), trainable=False, name="seen_indices")

    def pairs(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """User codes `(batch,)`, -1 for an unknown one -> (position in the batch, item code), both `(pairs,)` int32."""
        known = tf.maximum(users, 0)
        starts = tf.gather(self.indptr, known)
        limits = tf.where(users < 0, starts, tf.gather(self.indptr, known + 1))
        where = tf.ragged.range(starts, limits)
        return tf.cast(where.value_rowids(), tf.int32), tf.gather(self.indices, where.values)
