"""The projection into the ball as a layer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer
from hyperml_tf.layers.ragged import is_ragged, map_points
from hyperml_tf.numerics import Tensor


@register
class ProjectToBall(HyperbolicLayer):
    """Moves vectors outside the Poincaré ball radially to its limit radius and leaves the others unchanged.

    Use it for vectors that are points already, such as precomputed embeddings. The gradient of a moved vector has no radial
    component, so use `ExpMap` to turn the output of ordinary layers into points. At `c = 0` the layer is the identity.

    The limit radius is `(1 - eps^(3/4)) / sqrt(c)`, with `eps` the machine epsilon of the dtype; see
    `hyperml_tf.geometry.poincare.project`.

    Args:
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        Vectors, `(..., dim)`.

    Output shape:
        Points, `(..., dim)`.

    Example:

    >>> ProjectToBall(curvature=4.0)(tf.constant([[0.0, 3.0], [0.0, 0.25]])).numpy().round(4)
    array([[0.  , 0.5 ],
           [0.  , 0.25]], dtype=float32)
    """

    def call(self, inputs: Tensor) -> Tensor:
        if is_ragged(inputs):
            return map_points(self.call, inputs)
        return poincare.project(inputs, self.curvature())

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return tf.TensorShape(input_shape)
