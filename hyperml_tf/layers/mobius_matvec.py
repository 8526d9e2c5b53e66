"""A linear map of the ball."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import (
    ConstraintLike,
    CurvatureArgument,
    HyperbolicLayer,
    InitializerLike,
    RegularizerLike,
)
from hyperml_tf.numerics import Tensor


@register
class MobiusMatVec(HyperbolicLayer):
    """Möbius matrix-vector product with a trained matrix, `M (x)_c x = expmap0(M logmap0(x))`.

    `MobiusDense` adds a bias and an activation. Source: O. Ganea, G. Bécigneul, T. Hofmann, *Hyperbolic Neural Networks* (2018),
    arXiv 1805.09112. At `c = 0` it is a `Dense` layer without bias; near the boundary see `poincare.expmap0`.

    Args:
        units: dimension of the output points.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        kernel_initializer: initializer of the matrix, an ordinary Euclidean parameter.
        kernel_regularizer: regularizer of the matrix.
        kernel_constraint: constraint of the matrix.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: if `units` is not positive, or the last axis of the input is unknown.

    Input shape: points, `(..., dim)`.

    Output shape: points, `(..., units)`.

    Example:

    >>> layer = MobiusMatVec(2, kernel_initializer="identity")
    >>> layer(tf.constant([[0.5, 0.25]])).numpy().astype(float).round(4).tolist()
    [[0.5, 0.25]]
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
        if units <= 0:
            raise ValueError(f"`units` must be a positive integer. Received: units={units}")
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
        c = self.curvature()
        # `poincare.mobius_matvec` takes one matrix a point; with one for all, a matrix product is the fast form of the same.
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
