"""Variables whose rows are points of the ball."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.space import Space


class PoincareBall(Space):
    """The ball of curvature `c`, its points along the last axis.

    Repeated factors such as `1 - c|x|^2` are left to TensorFlow, which merges equal nodes of a traced graph.
    """

    def __init__(self, points: Tensor, c: Tensor, retraction: str) -> None:
        # A learned curvature may have grown since these rows were written.
        self.points = poincare.project(points, c)
        self._c = c
        self._retraction = retraction

    def gradient(self, egrad: Tensor) -> Tensor:
        return poincare.egrad2rgrad(self.points, egrad, self._c)

    def square(self, egrad: Tensor) -> Tensor:
        # lambda^2 |rgrad|^2 = <egrad, rgrad>, without the large and the small factor that would have to cancel.
        return tf.reduce_sum(egrad * self.gradient(egrad), axis=-1, keepdims=True)

    def move(self, tangent: Tensor) -> Tensor:
        if self._retraction == "expmap":
            return poincare.expmap(self.points, tangent, self._c)
        return poincare.project(self.points + tangent, self._c)

    def transport(self, tangent: Tensor, to: Tensor) -> Tensor:
        return poincare.parallel_transport(self.points, to, tangent, self._c)
