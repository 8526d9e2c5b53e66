"""The fully connected layer of the Poincaré ball."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
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
from hyperml_tf.layers.ragged import is_ragged, map_points
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class MobiusDense(MobiusMatVec):
    """Fully connected layer of the Poincaré ball: the hyperbolic counterpart of `tf.keras.layers.Dense`.

    With the matrix `M` as `kernel`, the point `b` as `bias` and the activation `f` applied in the tangent space at the origin, it
    returns

        f_c((M (x)_c x) (+)_c b),   f_c(y) = expmap0(f(logmap0(y)))

    where `(x)` is the Möbius matrix-vector product and `(+)` is Möbius addition. At `c = 0` it is `tf.keras.layers.Dense`.
    Outputs stay within the limit radius of the ball; see `hyperml_tf.geometry.poincare`.

    The optimizers of `hyperml_tf` take Riemannian steps for the bias, which is marked as a point of the ball. With any other
    optimizer it takes Euclidean steps and is projected into the ball where it is used.

    Args:
        units: Positive integer, dimension of the output points.
        activation: Activation function to use. Defaults to `None`, no activation.
        use_bias: Boolean, whether the layer uses a bias. Defaults to `True`.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        kernel_initializer: Initializer for the `kernel` matrix, an ordinary Euclidean weight. Defaults to
            `"glorot_uniform"`.
        bias_initializer: Initializer for the tangent vector at the origin whose `expmap0` is the `bias`. Defaults to `"zeros"`.
        kernel_regularizer: Regularizer function applied to the `kernel` matrix. Defaults to `None`.
        bias_regularizer: Regularizer function applied to the `bias`, a point. Defaults to `None`.
        kernel_constraint: Constraint function applied to the `kernel` matrix. Defaults to `None`.
        bias_constraint: Constraint function applied to the `bias`, for instance `hyperml_tf.constraints.BallConstraint`.
            Defaults to `None`.
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

    >>> layer = MobiusDense(2, activation="tanh", kernel_initializer="identity")
    >>> layer(tf.constant([[0.5, 0.25]])).numpy().round(4)
    array([[0.4608, 0.2478]], dtype=float32)
    """

    POINTS: ClassVar[tuple[str, ...]] = ("bias",)

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
        self.bias = self._add_points(
            "bias",
            (self.units,),
            self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def call(self, inputs: Tensor) -> Tensor:
        if is_ragged(inputs):
            return map_points(self.call, inputs)
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
