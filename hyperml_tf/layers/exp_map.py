"""The exponential map."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer, broadcast_shape, check_pair, combine_masks
from hyperml_tf.numerics import Tensor


@register
class ExpMap(HyperbolicLayer):
    """Exponential map: from tangent vectors to points of the ball.

    A single input is a tangent vector at the origin, as the output of ordinary layers usually is. A list `[base, v]` gives
    the base point first. Formulas, behaviour at `c = 0` and near the boundary: see `poincare.expmap0` and `poincare.expmap`.

    Args:
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: on a call, if a list of inputs does not have two tensors.

    Input shape: tangent vectors at the origin, `(..., dim)`; or `[base, v]`, both `(..., dim)`, leading axes broadcast.

    Output shape: points, `(..., dim)`.

    Example:

    >>> ExpMap()(tf.constant([[0.0, 0.5]])).numpy().astype(float).round(4).tolist()
    [[0.0, 0.4621]]
    """

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            return poincare.expmap0(inputs, self.curvature())
        base, v = check_pair(inputs, "[base, v]")
        return poincare.expmap(base, v, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        if isinstance(input_shape, list):
            return broadcast_shape(*input_shape)
        return tf.TensorShape(input_shape)
