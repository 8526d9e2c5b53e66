"""Sparse gradients whose indices repeat."""

from __future__ import annotations

import tensorflow as tf


def merge_rows(gradient: tf.IndexedSlices) -> tf.IndexedSlices:
    """Sums the rows of a sparse gradient that have the same index.

    Args:
        gradient: `tf.IndexedSlices` with values of shape `(m, ...)` and `m` indices in any order, which may repeat.

    Returns:
        The same gradient as `tf.IndexedSlices` with distinct indices, in the order of their first appearance.

    Example:

    >>> gradient = tf.IndexedSlices(tf.constant([1.0, 2.0, 4.0]), tf.constant([7, 5, 7]))
    >>> merged = merge_rows(gradient)
    >>> merged.indices.numpy().tolist(), merged.values.numpy().tolist()
    ([7, 5], [5.0, 2.0])
    """
    indices, positions = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(indices))
    return tf.IndexedSlices(values, indices, gradient.dense_shape)
