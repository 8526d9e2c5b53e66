"""Lookups in tables of vectors whose gradients have one row per distinct item."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def distinct_rows(table: Any, codes: Tensor) -> Tensor:
    """Returns the rows of a table, `(..., dim)`, zero for the code -1. Each row is looked up once, so its gradient is one row.

    Args:
        table: A variable, `(n, dim)`.
        codes: Integers in `[-1, n)`, `(...)`.

    Example:

    >>> distinct_rows(tf.Variable([[1.0], [2.0]]), tf.constant([[1, -1, 1]])).numpy().ravel().tolist()
    [2.0, 0.0, 2.0]
    """
    distinct, positions = tf.unique(tf.concat([[-1], tf.reshape(codes, [-1])], axis=0))
    rows = tf.nn.embedding_lookup(table, distinct[1:])
    vectors = tf.gather(tf.pad(rows, [[1, 0], [0, 0]]), positions[1:])
    return tf.reshape(vectors, tf.concat([tf.shape(codes), rows.shape[-1:]], axis=0))
