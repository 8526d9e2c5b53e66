"""Euclidean space: variables that are not on the ball."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold


class Euclidean(Manifold):
    """Euclidean space, on which the update rules are those of the Keras optimizers.

    Each coordinate is a component of its own: adaptive methods scale every coordinate separately.

    Args:
        points: The base points, of shape `(..., dim)`.
    """

    def __init__(self, points: Tensor) -> None:
        self.points = points

    def egrad2rgrad(self, u: Tensor) -> Tensor:
        return u

    def rgrad_component_inner(self, u: Tensor) -> Tensor:
        return tf.square(u)

    def retr(self, u: Tensor) -> Tensor:
        return self.points + u

    def transp(self, y: Tensor, v: Tensor) -> Tensor:
        return v
