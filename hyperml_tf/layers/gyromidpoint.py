"""The mean of a set of points."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer
from hyperml_tf.numerics import Tensor


@register
class Gyromidpoint(HyperbolicLayer):
    """Weighted Möbius gyromidpoint over the axis before the last: the hyperbolic `GlobalAveragePooling1D`.

    Turns a history of points into one. Masked points (`mask_zero=True` of an embedding before it) do not count, and a history
    whose points are all masked has its midpoint at the origin. Formula and behaviour at `c = 0` (the mean): see
    `poincare.gyromidpoint`.

    Args:
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Call arguments:
        inputs: points, `(..., n, dim)`.
        weights: non-negative weights, `(..., n)`; equal if None.
        mask: boolean, `(..., n)`; False where a point does not count.

    Input shape: points, `(..., n, dim)`.

    Output shape: points, `(..., dim)`.

    Example:

    >>> Gyromidpoint()(tf.constant([[[0.5, 0.0], [-0.5, 0.0]]])).numpy().tolist()
    [[0.0, 0.0]]
    """

    def call(self, inputs: Tensor, weights: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            kept = tf.cast(mask, numerics.working_dtype(inputs))
            weights = kept if weights is None else kept * tf.cast(weights, kept.dtype)
        return poincare.gyromidpoint(inputs, self.curvature(), weights)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        shape = tf.TensorShape(input_shape)
        return shape[:-2].concatenate(shape[-1:])
