"""The logarithmic map as a layer."""

from __future__ import annotations

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.base_point_map import BasePointMap
from hyperml_tf.numerics import Tensor


@register
class LogMap(BasePointMap):
    """Logarithmic map, from points of the Poincaré ball to tangent vectors: the inverse of `ExpMap`.

    Called on one tensor `y`, it maps points to the tangent space at the origin, where ordinary layers can follow:

        logmap0(y) = artanh(sqrt(c) |y|) y / (sqrt(c) |y|)

    Called on a list `[base, y]`, it maps points to the tangent spaces at the points `base`, where `(+)` is Möbius addition and
    `lambda_x = 2 / (1 - c |x|^2)`:

        logmap(base, y) = 2 / (sqrt(c) lambda_base) artanh(sqrt(c) |w|) w / |w|,   w = (-base) (+) y

    At `c = 0` the output is `y`, or `y - base`. Towards the boundary its norm and its gradient grow without bound; see
    `hyperml_tf.geometry.poincare` for the largest radius of a point.

    Args:
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        Points, `(..., dim)`; or a list `[base, y]` of two tensors of points, both `(..., dim)`. Leading axes broadcast.

    Output shape:
        Tangent vectors at the origin or at `base`, `(..., dim)`.

    Raises:
        ValueError: When called on a list that is not two tensors of the same dimension.

    Reference:
        - [Ganea et al., Hyperbolic Neural Networks, 2018](https://arxiv.org/abs/1805.09112)

    Example:

    >>> import tensorflow as tf
    >>> LogMap()(tf.constant([[0.0, 0.5]])).numpy().round(4)
    array([[0.    , 0.5493]], dtype=float32)
    """

    _names = "[base, y]"

    def _map_at_origin(self, x: Tensor, c: Tensor) -> Tensor:
        return poincare.logmap0(x, c)

    def _map_at_base(self, base: Tensor, x: Tensor, c: Tensor) -> Tensor:
        return poincare.logmap(base, x, c)
