"""Ordinary variables."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.space import Space


class EuclideanSpace(Space):
    """Flat space: every number is a coordinate of its own, as in the Keras optimizers."""

    def __init__(self, points: Tensor) -> None:
        self.points = points

    def gradient(self, egrad: Tensor) -> Tensor:
        return egrad

    def square(self, egrad: Tensor) -> Tensor:
        return tf.square(egrad)

    def move(self, tangent: Tensor) -> Tensor:
        return self.points + tangent

    def transport(self, tangent: Tensor, to: Tensor) -> Tensor:
        return tangent
