"""The base class of the exponential and the logarithmic map: at the origin, or at a base point."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer
from hyperml_tf.layers.ragged import is_ragged, map_points
from hyperml_tf.layers.two_inputs import broadcast_points, combine_masks, unpack_points
from hyperml_tf.numerics import Tensor


class BasePointMap(HyperbolicLayer):
    """Base class of layers that map one tensor at the origin, or the second of two tensors at the first."""

    _names = "[base, x]"
    """The expected list of inputs, for error messages."""

    def _map_at_origin(self, x: Tensor, c: Tensor) -> Tensor:
        """The map at the origin."""
        raise NotImplementedError("Subclasses must implement `_map_at_origin`.")

    def _map_at_base(self, base: Tensor, x: Tensor, c: Tensor) -> Tensor:
        """The map at a base point."""
        raise NotImplementedError("Subclasses must implement `_map_at_base`.")

    def call(self, inputs: Any) -> Tensor:
        if is_ragged(inputs):
            return map_points(self.call, inputs)
        if not isinstance(inputs, (list, tuple)):
            return self._map_at_origin(inputs, self.curvature())
        base, x = unpack_points(inputs, self._names)
        return self._map_at_base(base, x, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        if isinstance(input_shape, list):
            return broadcast_points(input_shape, self._names)
        return tf.TensorShape(input_shape)
