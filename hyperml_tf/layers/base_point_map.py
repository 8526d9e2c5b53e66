"""What the exponential and the logarithmic map share: one input at the origin, or a base point and an input."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer, broadcast_shape, check_pair, combine_masks
from hyperml_tf.numerics import Tensor


class BasePointMap(HyperbolicLayer):
    """Base class of layers that map `x` at the origin, or `[base, x]` at a base point."""

    inputs_at_base = "[base, x]"
    """What a list of inputs holds, for error messages."""

    def at_origin(self, x: Tensor, c: Tensor) -> Tensor:
        """The map at the origin."""
        raise NotImplementedError("Subclasses say which map it is.")

    def at_base(self, base: Tensor, x: Tensor, c: Tensor) -> Tensor:
        """The map at a base point."""
        raise NotImplementedError("Subclasses say which map it is.")

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            return self.at_origin(inputs, self.curvature())
        return self.at_base(*check_pair(inputs, self.inputs_at_base), self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        if isinstance(input_shape, list):
            return broadcast_shape(*input_shape)
        return tf.TensorShape(input_shape)
