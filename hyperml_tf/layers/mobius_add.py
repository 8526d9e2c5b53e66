"""Möbius addition as a layer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer
from hyperml_tf.layers.two_inputs import broadcast_points, combine_masks, unpack_points
from hyperml_tf.numerics import Tensor

_NAMES = "[x, y]"


@register
class MobiusAdd(HyperbolicLayer):
    """Möbius addition of two points, `x (+)_c y`: the hyperbolic counterpart of `tf.keras.layers.Add`.

    It takes a list of two tensors `[x, y]` and returns

        ((1 + 2c<x,y> + c|y|^2) x + (1 - c|x|^2) y) / (1 + 2c<x,y> + c^2 |x|^2 |y|^2)

    The operation is neither commutative nor associative. At `c = 0` it is `x + y`. The sum is projected into the ball, as
    described in `hyperml_tf.geometry.poincare`.

    Args:
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        A list `[x, y]` of two tensors of points, both `(..., dim)`. Leading axes broadcast.

    Output shape:
        Points, `(..., dim)`.

    Raises:
        ValueError: When called on anything but a list of two tensors of the same dimension.

    Reference:
        - A. Ungar, Analytic Hyperbolic Geometry, 2005
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> x = tf.constant([[0.5, 0.0]])
    >>> MobiusAdd()([x, x]).numpy().round(4)
    array([[0.8, 0. ]], dtype=float32)
    """

    def call(self, inputs: Any) -> Tensor:
        x, y = unpack_points(inputs, _NAMES)
        return poincare.mobius_add(x, y, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return broadcast_points(input_shape, _NAMES)
