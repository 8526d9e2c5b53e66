"""Möbius addition of two inputs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer, broadcast_shape, check_pair, combine_masks
from hyperml_tf.numerics import Tensor


@register
class MobiusAdd(HyperbolicLayer):
    """Möbius addition of two points, `x (+)_c y`: the hyperbolic `tf.keras.layers.Add`. It is not commutative.

    Formula, behaviour at `c = 0` (plain addition) and near the boundary: see `poincare.mobius_add`.

    Args:
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: on a call, if the input is not a list of two tensors.

    Input shape: a list of two tensors of points, `[(..., dim), (..., dim)]`; leading axes broadcast.

    Output shape: points, `(..., dim)`.

    Example:

    >>> MobiusAdd()([tf.constant([[0.5, 0.0]]), tf.constant([[0.5, 0.0]])]).numpy().astype(float).round(4).tolist()
    [[0.8, 0.0]]
    """

    def call(self, inputs: Any) -> Tensor:
        x, y = check_pair(inputs, "[x, y]")
        return poincare.mobius_add(x, y, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return broadcast_shape(*input_shape)
