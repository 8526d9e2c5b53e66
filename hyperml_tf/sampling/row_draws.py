"""Random numbers for the rows of a batch, each determined by the place of its row in the global batch.

Under `tf.distribute` a replica trains a part of the batch. If its rows know their places, they have the numbers that they would
have on one device.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def uniform(
    shape: Tensor, seed: Tensor, places: Tensor | None = None, below: int | None = None, dtype: Any = tf.float32
) -> Tensor:
    """Returns uniform random numbers, one row for each row of a batch.

    Args:
        shape: Shape of the result, `(rows, ...)`.
        seed: Two integers, the seed of the global batch.
        places: Places of the rows in the global batch, `(rows,)`. Defaults to `None`: the rows are the whole batch.
        below: Integer, the numbers are less. Defaults to `None`, which is 1, for floats.
        dtype: Dtype of the result. Defaults to `tf.float32`.

    Example:

    >>> whole = uniform([3, 2], [0, 0])
    >>> bool(tf.reduce_all(uniform([1, 2], [0, 0], places=tf.constant([2])) == whole[2:]))
    True
    """
    limits = {} if below is None else {"minval": 0, "maxval": below}
    if places is None:
        return tf.random.stateless_uniform(shape, seed, dtype=dtype, **limits)
    # The first rows of a draw do not depend on the number of rows. A part of a batch may be empty.
    rows = tf.reduce_max(tf.concat([[-1], places], axis=0)) + 1
    drawn = tf.random.stateless_uniform(tf.concat([[rows], shape[1:]], axis=0), seed, dtype=dtype, **limits)
    return tf.gather(drawn, places)


def dropout(values: Tensor, rate: float, seed: Tensor, places: Tensor | None = None) -> Tensor:
    """Sets a share of the entries to zero, and scales the others, as `tf.nn.experimental.stateless_dropout`.

    Args:
        values: Floats, `(rows, ...)`.
        rate: Float in `[0, 1)`, the share.
        seed: Two integers, the seed of the global batch.
        places: See `uniform`.

    Example:

    >>> dropout(tf.ones([2, 4]), 0.5, [0, 0], places=tf.constant([4, 5])).shape
    TensorShape([2, 4])
    """
    if places is None:
        return tf.nn.experimental.stateless_dropout(values, rate, seed)
    kept = uniform(tf.shape(values), seed, places, dtype=values.dtype) >= rate
    return tf.where(kept, values / (1.0 - rate), 0.0)
