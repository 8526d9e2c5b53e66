"""The fully connected layer of the ball."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import ball_variables as manifold
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import (
    ActivationLike,
    ConstraintLike,
    CurvatureArgument,
    InitializerLike,
    RegularizerLike,
)
from hyperml_tf.layers.mobius_matvec import MobiusMatVec
from hyperml_tf.numerics import Tensor


@register
class MobiusDense(MobiusMatVec):
    """Fully connected layer: `f_c((M (x)_c x) (+)_c b)`, with the activation in the tangent space, `f_c(y) = exp0(f(log0(y)))`.

    The bias `b` is a point of the ball, marked by `hyperml_tf.manifold`, so the optimizers of `hyperml_tf` take Riemannian steps
    for it; under any other optimizer it is projected where it is used. Source: O. Ganea, G. Bécigneul, T. Hofmann, *Hyperbolic
    Neural Networks* (2018), arXiv 1805.09112. At `c = 0` this is `tf.keras.layers.Dense`.

    Args:
        units: dimension of the output points.
        activation: an activation function; None for none.
        use_bias: whether there is a bias.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        kernel_initializer: initializer of the matrix, an ordinary Euclidean parameter.
        bias_initializer: initializer of the *tangent vector* at the origin whose `expmap0` is the bias.
        kernel_regularizer: regularizer of the matrix.
        bias_regularizer: regularizer of the bias, given the point.
        kernel_constraint: constraint of the matrix.
        bias_constraint: constraint of the bias, for instance `hyperml_tf.constraints.BallConstraint`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: if `units` is not positive, or the last axis of the input is unknown.

    Input shape: points, `(..., dim)`.

    Output shape: points, `(..., units)`.

    Example:

    >>> MobiusDense(3, activation="relu")(tf.constant([[0.5, 0.25]])).shape
    TensorShape([1, 3])
    """

    def __init__(
        self,
        units: int,
        activation: ActivationLike = None,
        use_bias: bool = True,
        curvature: CurvatureArgument = 1.0,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            curvature=curvature,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
            **kwargs,
        )
        self.activation = tf.keras.activations.get(activation)
        self.use_bias = bool(use_bias)
        self.bias_initializer = tf.keras.initializers.get(bias_initializer)
        self.bias_regularizer = tf.keras.regularizers.get(bias_regularizer)
        self.bias_constraint = tf.keras.constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if not self.use_bias:
            return
        self.bias = self.add_weight(
            name="bias",
            shape=(self.units,),
            initializer=self._initial_bias,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )
        manifold.mark_on_ball(self.bias, self.curvature if self.curvature.learned else self.curvature.initial_value)

    def _initial_bias(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        return poincare.expmap0(self.bias_initializer(shape, dtype=dtype, **kwargs), self.curvature())

    def call(self, inputs: Tensor) -> Tensor:
        c = self.curvature()
        outputs = super().call(inputs)
        if self.use_bias:
            outputs = poincare.mobius_add(outputs, poincare.project(tf.convert_to_tensor(self.bias), c), c)
        if self.activation is not tf.keras.activations.linear:
            outputs = poincare.expmap0(self.activation(poincare.logmap0(outputs, c)), c)
        return outputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": tf.keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": tf.keras.initializers.serialize(self.bias_initializer),
            "bias_regularizer": tf.keras.regularizers.serialize(self.bias_regularizer),
            "bias_constraint": tf.keras.constraints.serialize(self.bias_constraint),
        }
