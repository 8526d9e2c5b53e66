"""A regularizer of points."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor

__all__ = ["RadiusRegularizer"]


@register
class RadiusRegularizer(tf.keras.regularizers.Regularizer):
    """Pulls points to a given distance from the origin: `strength * sum (d(0, x) - radius)^2`.

    Meant as the `activity_regularizer` of a layer whose output is points. With `radius = 0` it keeps points from drifting to the
    boundary, the hyperbolic weight decay; with a positive radius it also keeps them from collapsing into the origin.

    Args:
        strength: the weight of the penalty, >= 0.
        radius: the distance aimed at, in units of the space, >= 0.
        curvature: the curvature `c >= 0` of the points, a number. At `c = 0` the distance is `2 |x|`.

    Raises:
        ValueError: if an argument is negative or not finite.

    Example:

    >>> round(float(RadiusRegularizer(strength=1.0)(tf.constant([[0.5, 0.0]]))), 4)
    1.2069
    """

    def __init__(self, strength: float = 0.01, radius: float = 0.0, curvature: float = 1.0) -> None:
        for name, value in (("strength", strength), ("radius", radius), ("curvature", curvature)):
            if not 0 <= value < float("inf"):
                raise ValueError(f"`{name}` must be a finite number >= 0. Received: {name}={value}")
        self.strength = float(strength)
        self.radius = float(radius)
        self.curvature = float(curvature)

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty of points `(..., dim)`, a scalar."""
        x = tf.convert_to_tensor(x)
        if self.radius == 0:
            # The square is smooth at the origin, where the distance is not.
            return self.strength * tf.reduce_sum(poincare.squared_distance(tf.zeros_like(x), x, self.curvature))
        return self.strength * tf.reduce_sum(tf.square(poincare.distance0(x, self.curvature) - self.radius))

    def get_config(self) -> dict[str, Any]:
        return {"strength": self.strength, "radius": self.radius, "curvature": self.curvature}
