"""The geodesic distance of two inputs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer, broadcast_shape, check_pair
from hyperml_tf.numerics import Tensor


@register
class HyperbolicDistance(HyperbolicLayer):
    """Geodesic distance of two points, or its square: the hyperbolic `tf.keras.layers.Dot`.

    Formula, behaviour at `c = 0` (`2 |x - y|`) and near the boundary: see `poincare.distance`.

    The output carries no mask: a loss over rows of distances reduces the last axis, and Keras could not apply the mask of that
    axis any more. Give padded entries the label -1 instead, which the losses of `hyperml_tf` ignore.

    Args:
        squared: whether to return squared distances, which are smooth also where two points coincide.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: on a call, if the input is not a list of two tensors.

    Input shape: a list of two tensors of points, `[(..., dim), (..., dim)]`; leading axes broadcast, so that
    `[(batch, 1, dim), (batch, n, dim)]` gives the distances of one anchor to `n` candidates.

    Output shape: distances, `(...)`.

    Example:

    >>> HyperbolicDistance()([tf.constant([[0.0, 0.0]]), tf.constant([[0.5, 0.0]])]).numpy().astype(float).round(4).tolist()
    [1.0986]
    """

    def __init__(self, squared: bool = False, curvature: CurvatureArgument = 1.0, **kwargs: Any) -> None:
        super().__init__(curvature=curvature, **kwargs)
        self.squared = bool(squared)

    def call(self, inputs: Any) -> Tensor:
        x, y = check_pair(inputs, "[x, y]")
        function = poincare.squared_distance if self.squared else poincare.distance
        return function(x, y, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return broadcast_shape(*input_shape)[:-1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "squared": self.squared}
