"""The check of shapes that the losses share."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def check_shapes(y_true: Tensor, y_pred: Tensor, trailing: tuple[int, ...] = ()) -> None:
    """Requires `y_true` of shape `(..., n)` and `y_pred` of shape `(..., n, *trailing)`.

    Raises:
        ValueError: If a shape is another one.
    """
    labels, predictions = _shape(y_true), _shape(y_pred)
    if labels.rank == 0 or not predictions.is_compatible_with(labels.concatenate(trailing)):
        expected = ", ".join(["batch_size", "n", *map(str, trailing)])
        raise ValueError(
            f"`y_true` must have shape (batch_size, n) and `y_pred` ({expected}). "
            f"Received: y_true of shape {labels} and y_pred of shape {predictions}"
        )


def _shape(value: Any) -> tf.TensorShape:
    return tf.TensorShape(value.shape if hasattr(value, "shape") else tf.convert_to_tensor(value).shape)
