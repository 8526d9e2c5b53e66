"""The exponential map as a layer."""

from __future__ import annotations

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.base_point_map import BasePointMap
from hyperml_tf.numerics import Tensor


@register
class ExpMap(BasePointMap):
    """Exponential map, from tangent vectors to points of the Poincaré ball.

    Called on one tensor `v`, such as the output of an ordinary layer, it maps tangent vectors at the origin:

        expmap0(v) = tanh(sqrt(c) |v|) v / (sqrt(c) |v|)

    Called on a list `[base, v]`, it maps tangent vectors at the points `base`, where `(+)` is Möbius addition and
    `lambda_x = 2 / (1 - c |x|^2)`:

        expmap(base, v) = base (+) tanh(sqrt(c) lambda_base |v| / 2) v / (sqrt(c) |v|)

    At `c = 0` the output is `v`, or `base + v`. Tangent vectors too long for the dtype are mapped to the limit radius just
    inside the boundary; see `hyperml_tf.geometry.poincare.expmap0`.

    Args:
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        Tangent vectors at the origin, `(..., dim)`; or a list `[base, v]` of points and tangent vectors at them, both
        `(..., dim)`. Leading axes broadcast.

    Output shape:
        Points, `(..., dim)`.

    Raises:
        ValueError: When called on a list that is not two tensors of the same dimension.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> import tensorflow as tf
    >>> ExpMap()(tf.constant([[0.0, 0.5]])).numpy().round(4)
    array([[0.    , 0.4621]], dtype=float32)
    """

    _names = "[base, v]"

    def _map_at_origin(self, x: Tensor, c: Tensor) -> Tensor:
        return poincare.expmap0(x, c)

    def _map_at_base(self, base: Tensor, x: Tensor, c: Tensor) -> Tensor:
        return poincare.expmap(base, x, c)
