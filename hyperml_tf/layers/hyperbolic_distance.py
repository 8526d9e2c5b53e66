"""The geodesic distance as a layer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer
from hyperml_tf.layers.two_inputs import broadcast_points, unpack_points
from hyperml_tf.numerics import Tensor

_NAMES = "[x, y]"


@names_arguments
@register
class HyperbolicDistance(HyperbolicLayer):
    """Geodesic distance between two points: the hyperbolic counterpart of `tf.keras.layers.Dot`.

    It takes a list of two tensors `[x, y]` and returns

        d(x, y) = 2 / sqrt(c) artanh(sqrt(c) |(-x) (+) y|)

    or its square, where `(+)` is Möbius addition. At `c = 0` the distance is `2 |x - y|`. It is never clipped, so gradients
    stay finite and nonzero up to the limit radius of the ball; see `hyperml_tf.geometry.poincare.distance`.

    The output has no mask: Keras could not apply it to the output of a loss that reduces the last axis. Give padded candidates
    the label -1 instead, which the losses of `hyperml_tf` ignore.

    Args:
        squared: Boolean, whether to return squared distances, whose gradient is continuous where two points coincide.
            Defaults to `False`.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        A list `[x, y]` of two tensors of points, both `(..., dim)`. Leading axes broadcast, so that shapes
        `(batch_size, 1, dim)` and `(batch_size, n, dim)` give the distances from one anchor to `n` candidates.

    Output shape:
        Distances, `(...)`.

    Raises:
        ValueError: When called on anything but a list of two tensors of the same dimension.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703)

    Example:

    >>> anchor, candidates = tf.zeros([1, 1, 2]), tf.constant([[[0.5, 0.0], [0.0, 0.9]]])
    >>> HyperbolicDistance()([anchor, candidates]).numpy().round(4)
    array([[1.0986, 2.9444]], dtype=float32)
    """

    def __init__(self, squared: bool = False, curvature: CurvatureArgument = 1.0, **kwargs: Any) -> None:
        super().__init__(curvature=curvature, **kwargs)
        self.squared = bool(squared)

    def call(self, inputs: Any) -> Tensor:
        x, y = unpack_points(inputs, _NAMES)
        function = poincare.squared_distance if self.squared else poincare.distance
        return function(x, y, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return broadcast_points(input_shape, _NAMES)[:-1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "squared": self.squared}
