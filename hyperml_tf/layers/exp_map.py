"""The exponential map."""

from __future__ import annotations

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.base_point_map import BasePointMap
from hyperml_tf.numerics import Tensor


@register
class ExpMap(BasePointMap):
    """Exponential map: from tangent vectors to points of the ball.

    A single input is a tangent vector at the origin, as the output of ordinary layers usually is. A list `[base, v]` gives
    the base point first. Formulas, behaviour at `c = 0` and near the boundary: see `poincare.expmap0` and `poincare.expmap`.

    Args:
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: on a call, if a list of inputs does not have two tensors.

    Input shape: tangent vectors at the origin, `(..., dim)`; or `[base, v]`, both `(..., dim)`, leading axes broadcast.

    Output shape: points, `(..., dim)`.

    Example:

    >>> import tensorflow as tf
    >>> ExpMap()(tf.constant([[0.0, 0.5]])).numpy().astype(float).round(4).tolist()
    [[0.0, 0.4621]]
    """

    inputs_at_base = "[base, v]"

    def at_origin(self, x: Tensor, c: Tensor) -> Tensor:
        return poincare.expmap0(x, c)

    def at_base(self, base: Tensor, x: Tensor, c: Tensor) -> Tensor:
        return poincare.expmap(base, x, c)
