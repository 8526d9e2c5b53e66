"""The check that a training step does not make a model NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def check_gradients(gradients: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
    """Returns gradients that raise when they are computed, and so before they are applied, if one is not finite.

    It reads what the optimizer is going to read: of a table, the rows of the batch.

    Args:
        gradients: Tensors, `tf.IndexedSlices` or `None`, one per variable.
        variables: The variables, for the message.

    Raises:
        tf.errors.InvalidArgumentError: If a gradient is not finite; the message names its variable.
    """
    checks = [
        tf.debugging.Assert(
            _is_finite(gradient), [f"The gradient of {variable.name} must be finite. Received: NaN or infinity"]
        )
        for gradient, variable in zip(gradients, variables, strict=True)
        if gradient is not None
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return [_identity(gradient) for gradient in gradients]


def _is_finite(gradient: Any) -> Tensor:
    values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
    return tf.reduce_all(tf.math.is_finite(values))


def _identity(gradient: Any) -> Any:
    if gradient is None:
        return None
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(tf.identity(gradient.values), gradient.indices, gradient.dense_shape)
    return tf.identity(gradient)
