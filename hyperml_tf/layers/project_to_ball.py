"""Projection into the ball."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer
from hyperml_tf.numerics import Tensor


@register
class ProjectToBall(HyperbolicLayer):
    """Moves vectors outside the ball radially back inside and leaves the others as they are.

    For vectors that already are points of a ball, such as points made elsewhere. To turn the output of ordinary layers into
    points use `ExpMap`, which has a gradient everywhere. At `c = 0` it is the identity; see `poincare.project`.

    Args:
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Input shape: vectors, `(..., dim)`.

    Output shape: points, `(..., dim)`.

    Example:

    >>> ProjectToBall(curvature=4.0)(tf.constant([[0.0, 3.0], [0.0, 0.25]])).numpy().astype(float).round(4).tolist()
    [[0.0, 0.5], [0.0, 0.25]]
    """

    def call(self, inputs: Tensor) -> Tensor:
        return poincare.project(inputs, self.curvature())

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return tf.TensorShape(input_shape)
