"""Checks shared by the losses over rows of labelled candidates."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def check_margin(margin: float) -> float:
    """The margin as a float. Raises a ValueError unless it is finite and >= 0."""
    if not 0 <= margin < float("inf"):
        raise ValueError(f"`margin` must be a finite number >= 0. Received: margin={margin}")
    return float(margin)


def check_rows(y_true: Tensor, y_pred: Tensor, trailing: tuple[int, ...] = ()) -> None:
    """Raises a ValueError unless `y_pred` is `(..., n, *trailing)` for labels `y_true` of shape `(..., n)`."""
    labels, predictions = tf.TensorShape(_shape(y_true)), tf.TensorShape(_shape(y_pred))
    if labels.rank == 0 or not predictions.is_compatible_with(labels.concatenate(trailing)):
        expected = ", ".join(["batch", "n", *map(str, trailing)])
        raise ValueError(
            f"`y_true` must have shape (batch, n) and `y_pred` ({expected}). "
            f"Received: y_true of shape {labels} and y_pred of shape {predictions}"
        )


def _shape(value: Any) -> Any:
    return value.shape if hasattr(value, "shape") else tf.convert_to_tensor(value).shape
