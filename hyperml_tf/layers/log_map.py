"""The logarithmic map."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer, broadcast_shape, check_pair, combine_masks
from hyperml_tf.numerics import Tensor


@register
class LogMap(HyperbolicLayer):
    """Logarithmic map: from points of the ball to tangent vectors.

    A single input is mapped to the tangent space at the origin, where ordinary layers can follow. A list `[base, y]` gives the
    base point first. Formulas, behaviour at `c = 0` and near the boundary: see `poincare.logmap0` and `poincare.logmap`.

    Args:
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: on a call, if a list of inputs does not have two tensors.

    Input shape: points, `(..., dim)`; or `[base, y]`, both `(..., dim)`, leading axes broadcast.

    Output shape: tangent vectors, `(..., dim)`.

    Example:

    >>> LogMap()(tf.constant([[0.0, 0.5]])).numpy().astype(float).round(4).tolist()
    [[0.0, 0.5493]]
    """

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            return poincare.logmap0(inputs, self.curvature())
        base, y = check_pair(inputs, "[base, y]")
        return poincare.logmap(base, y, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        if isinstance(input_shape, list):
            return broadcast_shape(*input_shape)
        return tf.TensorShape(input_shape)
