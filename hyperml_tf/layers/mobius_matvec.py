"""The Möbius matrix-vector product as a layer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_positive_integer
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import (
    ConstraintLike,
    CurvatureArgument,
    HyperbolicLayer,
    InitializerLike,
    RegularizerLike,
)
from hyperml_tf.layers.ragged import is_ragged, map_points
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class MobiusMatVec(HyperbolicLayer):
    """Möbius matrix-vector product with a trainable matrix, a linear map of the Poincaré ball.

    The layer is `MobiusDense` without bias and activation. With the matrix `M` as `kernel` it returns

        M (x)_c x = expmap0(M logmap0(x))

    At `c = 0` it is `tf.keras.layers.Dense` without bias. Products beyond the limit radius of the ball stay there, as described
    in `hyperml_tf.geometry.poincare.expmap0`.

    Args:
        units: Positive integer, dimension of the output points.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        kernel_initializer: Initializer for the `kernel` matrix, an ordinary Euclidean weight. Defaults to
            `"glorot_uniform"`.
        kernel_regularizer: Regularizer function applied to the `kernel` matrix. Defaults to `None`.
        kernel_constraint: Constraint function applied to the `kernel` matrix. Defaults to `None`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        Points, `(..., dim)`.

    Output shape:
        Points, `(..., units)`.

    Raises:
        ValueError: If `units` is not a positive integer. When built on inputs whose last axis is unknown.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> layer = MobiusMatVec(2, kernel_initializer="identity")
    >>> layer(tf.constant([[0.5, 0.25]])).numpy().round(4)
    array([[0.5 , 0.25]], dtype=float32)
    """

    def __init__(
        self,
        units: int,
        curvature: CurvatureArgument = 1.0,
        kernel_initializer: InitializerLike = "glorot_uniform",
        kernel_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(curvature=curvature, **kwargs)
        check_positive_integer(units=units)
        self.units = int(units)
        self.kernel_initializer = tf.keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = tf.keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = tf.keras.constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        dim = tf.TensorShape(input_shape)[-1]
        if dim is None:
            raise ValueError(f"`inputs` must have a known last axis. Received: inputs of shape {input_shape}")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(dim, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        if is_ragged(inputs):
            return map_points(self.call, inputs)
        c = self.curvature()
        # The kernel is transposed, `(dim, units)`, as in `Dense`, so `poincare.mobius_matvec` would need its transpose.
        return poincare.expmap0(tf.matmul(poincare.logmap0(inputs, c), tf.convert_to_tensor(self.kernel)), c)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return tf.TensorShape(input_shape)[:-1].concatenate(self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": tf.keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": tf.keras.regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": tf.keras.constraints.serialize(self.kernel_constraint),
        }
