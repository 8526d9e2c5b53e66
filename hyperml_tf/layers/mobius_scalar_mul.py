"""Möbius multiplication of points by a scalar."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import (
    CurvatureArgument,
    HyperbolicLayer,
    broadcast_shape,
    check_pair,
    combine_masks,
)
from hyperml_tf.numerics import Tensor


@register
class MobiusScalarMul(HyperbolicLayer):
    """Möbius scalar multiplication, `r (x)_c x`: the point at `r` times the distance from the origin.

    With a `factor` the layer takes points only, as `tf.keras.layers.Rescaling` does; without one it takes `[r, x]`, a factor for
    each point. Formula, behaviour at `c = 0` (plain multiplication) and near the boundary: see `poincare.mobius_scalar_mul`.

    Args:
        factor: the factor, any finite number, or None to take it as an input.
        learned: whether `factor` is the initial value of a trained weight.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: if `learned` without a `factor`; on a call, if the input is not a list of two tensors although there is no
            `factor`, or if the factors do not have one number a point.

    Input shape: points, `(..., dim)`; or `[r, x]` with factors `(...)` or `(..., 1)` and points `(..., dim)`.

    Output shape: points, `(..., dim)`.

    Example:

    >>> MobiusScalarMul(2.0)(tf.constant([[0.5, 0.0]])).numpy().astype(float).round(4).tolist()
    [[0.8, 0.0]]
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
            raise ValueError("`factor` must be a number, the initial value, when `learned=True`. Received: factor=None")
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
            r, x = check_pair(inputs, "[r, x], because the layer has no `factor`")
            r = _one_a_point(tf.convert_to_tensor(r), tf.convert_to_tensor(x))
        else:
            r, x = tf.convert_to_tensor(self.factor), inputs
        return poincare.mobius_scalar_mul(r, x, self.curvature())

    def compute_mask(self, inputs: Any, mask: Any = None) -> Tensor | None:
        return combine_masks(mask)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        if self.initial_factor is not None:
            return tf.TensorShape(input_shape)
        factors, points = map(tf.TensorShape, input_shape)
        factors = factors if factors.rank == points.rank else factors.concatenate(1)
        return broadcast_shape(factors, points)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.initial_factor, "learned": self.learned}


def _one_a_point(r: Tensor, x: Tensor) -> Tensor:
    """Factors of shape `(...)`. `(batch, 1)`, what a Dense layer gives, would broadcast to `(batch, batch)` as it is."""
    if r.shape.rank == x.shape.rank and r.shape[-1] == 1:
        return tf.squeeze(r, -1)
    if r.shape.rank == x.shape.rank - 1:
        return r
    raise ValueError(
        f"`inputs` must be [r, x] with one factor a point: r of shape (...) or (..., 1) for x of shape (..., dim). "
        f"Received: r of shape {r.shape} and x of shape {x.shape}"
    )
