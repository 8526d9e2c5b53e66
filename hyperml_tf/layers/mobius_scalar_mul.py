"""Möbius scalar multiplication as a layer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer
from hyperml_tf.layers.ragged import is_ragged, map_points
from hyperml_tf.layers.two_inputs import combine_masks, unpack_pair
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class MobiusScalarMul(HyperbolicLayer):
    """Möbius scalar multiplication, `r (x)_c x`: the hyperbolic counterpart of `tf.keras.layers.Rescaling`.

    It returns the point in the direction of `x` at `r` times its distance from the origin,

        tanh(r artanh(sqrt(c) |x|)) x / (sqrt(c) |x|)

    With a `factor` the layer is called on points `x`; without one it is called on a list `[r, x]`, with one factor per point. At
    `c = 0` it is `r * x`. Products beyond the limit radius of the ball stay there, as described in
    `hyperml_tf.geometry.poincare.expmap0`.

    Args:
        factor: Float, the factor `r`. Defaults to `None`, which takes the factors from the inputs.
        learned: Boolean, whether `factor` is the initial value of a trainable weight. Defaults to `False`.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        Points, `(..., dim)`; or, without a `factor`, a list `[r, x]` of factors, `(...)` or `(..., 1)`, and points,
        `(..., dim)`.

    Output shape:
        Points, `(..., dim)`.

    Raises:
        ValueError: If `learned=True` without a `factor`. Without a `factor`, when called on anything but a list of two tensors
            with one factor per point.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> MobiusScalarMul(2.0)(tf.constant([[0.5, 0.0]])).numpy().round(4)
    array([[0.8, 0. ]], dtype=float32)
    """

    def __init__(
        self,
        factor: float | None = None,
        learned: bool = False,
        curvature: CurvatureArgument = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(curvature=curvature, **kwargs)
        if learned and factor is None:
            raise ValueError(
                "`factor` must be a number, the initial value, with `learned=True`. "
                f"Received: factor={factor}, learned={learned}"
            )
        self.initial_factor = None if factor is None else float(factor)
        self.learned = bool(learned)
        self.factor: Any = self.initial_factor

    def build(self, input_shape: Any) -> None:
        if self.learned:
            initializer = tf.keras.initializers.Constant(self.initial_factor)
            self.factor = self.add_weight(name="factor", shape=(), initializer=initializer)
        super().build(input_shape)

    def call(self, inputs: Any) -> Tensor:
        if self.initial_factor is None:
            r, x = unpack_pair(inputs, "[r, x], because the layer has no `factor`")
            r = _one_factor_per_point(r, x)
        else:
            if is_ragged(inputs):
                return map_points(self.call, inputs)
            r, x = tf.convert_to_tensor(self.factor), inputs
        return poincare.mobius_scalar_mul(r, x, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        if self.initial_factor is not None:
            return tf.TensorShape(input_shape)
        factors, points = map(tf.TensorShape, input_shape)
        factors = factors if factors.rank == points.rank else factors.concatenate(1)
        return tf.broadcast_static_shape(factors, points)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.initial_factor, "learned": self.learned}


def _one_factor_per_point(r: Tensor, x: Tensor) -> Tensor:
    """Factors of shape `(...)`. Left as it is, `(batch_size, 1)` would broadcast to `(batch_size, batch_size)`."""
    if r.shape.rank == x.shape.rank and r.shape[-1] == 1:
        return tf.squeeze(r, -1)
    if r.shape.rank == x.shape.rank - 1:
        return r
    raise ValueError(
        "`inputs` must be [r, x] with one factor per point: r of shape (...) or (..., 1) for x of shape (..., dim). "
        f"Received: r of shape {r.shape} and x of shape {x.shape}"
    )
