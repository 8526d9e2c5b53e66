"""Ragged tensors of points or ids as inputs of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def is_ragged(inputs: Any) -> bool:
    """Whether `inputs` is a ragged tensor."""
    return isinstance(inputs, tf.RaggedTensor)


def map_points(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Applies a function of points, `(n, dim)`, to all points of a ragged tensor, and keeps its rows.

    Args:
        function: A function of points that computes each by itself.
        inputs: A ragged tensor, `(batch, None, dim)`, or with more ragged axes before the last.

    Raises:
        ValueError: If the last axis is ragged.
    """
    if inputs.flat_values.shape.rank < 2:
        raise ValueError(
            "`inputs` must be points of one dimension, so their last axis must not be ragged: make them with "
            f"`tf.RaggedTensor.from_row_lengths(points, lengths)`. Received: a ragged tensor of shape {inputs.shape}"
        )
    return inputs.with_flat_values(function(inputs.flat_values))


def map_ids(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Applies a function of ids, `(n,)`, to all ids of a ragged tensor, and keeps its rows."""
    return inputs.with_flat_values(function(inputs.flat_values))


def padded_set(points: Tensor, weights: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Turns ragged sets of points into `(batch, n, dim)`, with their weights and a mask, `(batch, n)`.

    Args:
        points: A ragged tensor, `(batch, None, dim)`.
        weights: Weights of the points, ragged or `(batch, n)`, or `None`.
        mask: Booleans, likewise, or `None`.

    Raises:
        ValueError: If the sets have more than one ragged axis.
    """
    if points.ragged_rank != 1 or points.flat_values.shape.rank != 2:
        raise ValueError(
            f"`inputs` must have one ragged axis, (batch, None, dim). Received: a ragged tensor of shape {points.shape}"
        )
    dense = points.to_tensor()
    inside = tf.sequence_mask(points.row_lengths(), tf.shape(dense)[1])
    weights = weights.to_tensor() if is_ragged(weights) else weights
    if mask is not None:
        inside &= mask.to_tensor(False) if is_ragged(mask) else tf.cast(mask, tf.bool)
    return dense, weights, inside
