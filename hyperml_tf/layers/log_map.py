"""The logarithmic map."""

from __future__ import annotations

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.base_point_map import BasePointMap
from hyperml_tf.numerics import Tensor


@register
class LogMap(BasePointMap):
    """Logarithmic map: from points of the ball to tangent vectors.

    A single input is mapped to the tangent space at the origin, where ordinary layers can follow. A list `[base, y]` gives the
    base point first. Formulas, behaviour at `c = 0` and near the boundary: see `poincare.logmap0` and `poincare.logmap`.

    Args:
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: on a call, if a list of inputs does not have two tensors.

    Input shape: points, `(..., dim)`; or `[base, y]`, both `(..., dim)`, leading axes broadcast.

    Output shape: tangent vectors, `(..., dim)`.

    Example:

    >>> import tensorflow as tf
    >>> LogMap()(tf.constant([[0.0, 0.5]])).numpy().astype(float).round(4).tolist()
    [[0.0, 0.5493]]
    """

    inputs_at_base = "[base, y]"

    def at_origin(self, x: Tensor, c: Tensor) -> Tensor:
        return poincare.logmap0(x, c)

    def at_base(self, base: Tensor, x: Tensor, c: Tensor) -> Tensor:
        return poincare.logmap(base, x, c)
