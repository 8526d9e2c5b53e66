"""Layers that take a list of two tensors: the checks of the list, and the shape and mask of the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf.layers.ragged import is_ragged
from hyperml_tf.numerics import Tensor


def unpack_pair(inputs: Any, names: str) -> tuple[Tensor, Tensor]:
    """The two tensors of `inputs`.

    Args:
        inputs: The inputs of the layer.
        names: The expected list, for the error message, such as `"[x, y]"`.

    Raises:
        ValueError: If `inputs` is not a list of two tensors.
    """
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
        raise ValueError(f"`inputs` must be a list of two tensors, {names}. Received: inputs={inputs}")
    if any(map(is_ragged, inputs)):
        raise ValueError(
            f"`inputs` must be two dense tensors, {names}: pad them with `to_tensor()`. Received: ragged tensors"
        )
    return tf.convert_to_tensor(inputs[0]), tf.convert_to_tensor(inputs[1])


def unpack_points(inputs: Any, names: str) -> tuple[Tensor, Tensor]:
    """As `unpack_pair`, for two tensors `(..., dim)` of one dimension.

    Raises:
        ValueError: If `inputs` is not a list of two tensors, or their shapes do not fit; see `broadcast_points`.
    """
    x, y = unpack_pair(inputs, names)
    broadcast_points((x.shape, y.shape), names)
    return x, y


def broadcast_points(shapes: Sequence[Any], names: str) -> tf.TensorShape:
    """The static shape that two tensors `(..., dim)` broadcast to, unknown sizes included.

    Only leading axes broadcast: a last axis of size 1 beside a larger one is a mistake, which TensorFlow would not report.

    Raises:
        ValueError: If the last axes differ, or the leading axes do not broadcast.
    """
    first, second = map(tf.TensorShape, shapes)
    same_dimension = 0 not in (first.rank, second.rank) and first[-1:].is_compatible_with(second[-1:])
    try:
        broadcast = tf.broadcast_static_shape(first, second)
    except ValueError:
        same_dimension = False
    if not same_dimension:
        raise ValueError(
            f"`inputs` must be {names}, two tensors of shape (..., dim) with the same `dim` and with leading axes that "
            f"broadcast. Received: inputs of shapes {first} and {second}"
        )
    return broadcast


def combine_masks(mask: Any) -> Tensor | None:
    """The mask of the output: True where all inputs that have a mask are valid, None if none has one."""
    masks: Sequence[Tensor] = [m for m in (mask if isinstance(mask, (list, tuple)) else [mask]) if m is not None]
    if not masks:
        return None
    return masks[0] if len(masks) == 1 else tf.logical_and(masks[0], masks[1])
