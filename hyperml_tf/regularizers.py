"""A regularizer for points of the Poincaré ball."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_not_negative
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor

__all__ = ["RadiusRegularizer"]


@names_arguments
@register
class RadiusRegularizer(tf.keras.regularizers.Regularizer):
    """Regularizer that pulls points towards a given distance from the origin.

    The penalty of points `x` is

        strength * sum (d(0, x) - radius)^2

    It is meant as the `activity_regularizer` of a layer that outputs points. With `radius = 0` it is the hyperbolic counterpart
    of weight decay and keeps points from the boundary; with a positive `radius` it also keeps them from collapsing at the
    origin. The gradient is finite everywhere, the origin and the boundary included. At `c = 0` the distance is `2 |x|`.

    Args:
        strength: Float >= 0, the factor of the penalty. Defaults to `0.01`.
        radius: Float >= 0, the target distance from the origin. Defaults to `0.0`.
        curvature: Float >= 0, the curvature `c`. Defaults to `1.0`.

    Call arguments:
        x: Points, `(..., dim)`.

    Raises:
        ValueError: If an argument is not a finite number >= 0.

    Example:

    >>> round(float(RadiusRegularizer(strength=1.0)(tf.constant([[0.5, 0.0]]))), 4)
    1.2069
    """

    def __init__(self, strength: float = 0.01, radius: float = 0.0, curvature: float = 1.0) -> None:
        check_not_negative(strength=strength, radius=radius, curvature=curvature)
        self.strength = float(strength)
        self.radius = float(radius)
        self.curvature = float(curvature)

    def __call__(self, x: Tensor) -> Tensor:
        """Computes the penalty of points, a scalar; see the call arguments of the class."""
        x = tf.convert_to_tensor(x)
        if self.radius == 0:
            # Unlike the distance, its square has a gradient at the origin.
            return self.strength * tf.reduce_sum(poincare.squared_distance(tf.zeros_like(x), x, self.curvature))
        return self.strength * tf.reduce_sum(tf.square(poincare.distance0(x, self.curvature) - self.radius))

    def get_config(self) -> dict[str, Any]:
        return {"strength": self.strength, "radius": self.radius, "curvature": self.curvature}
