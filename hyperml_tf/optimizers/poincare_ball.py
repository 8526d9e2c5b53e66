"""Variables whose rows are points of the ball."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ball import column, gap
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.space import Space


class PoincareBall(Space):
    """The ball of curvature `c`, its points along the last axis.

    The formulas are those of `geometry.poincare`, arranged for the training step: they pass over whole rows as few times as they
    can, and compute what is one number a point in float64, which costs next to nothing.
    """

    def __init__(self, points: Tensor, c: Tensor, retraction: str) -> None:
        points, self._c = numerics.promote(points, c)
        # A learned curvature may have grown since these rows were written.
        self.points = poincare.project(points, self._c)
        self._gap = gap(self.points, column(self._c))
        self._retraction = retraction

    def gradient(self, egrad: Tensor) -> Tensor:
        return egrad * tf.square(self._gap / 2.0)

    def square(self, egrad: Tensor) -> Tensor:
        # lambda^2 |rgrad|^2 = |egrad|^2 / lambda^2
        return numerics.squared_norm(egrad) * tf.square(self._gap / 2.0)

    def move(self, tangent: Tensor) -> Tensor:
        if self._retraction == "projection":
            return poincare.project(self.points + tangent, self._c)
        x, dtype, c = self.points, self.points.dtype, tf.cast(self._c, tf.float64)
        gap_x = tf.cast(self._gap, tf.float64)
        # exp_x(v) = x (+) s with s = tanh(a) v / |v| / sqrt(c), a = sqrt(c) |v| / gap_x; kept within the limit like any point.
        a2 = c * numerics.wide_squared_norm(tangent) / tf.square(gap_x)  # wide also in range: no step overflows
        shrink = numerics.tanh_ratio(a2)
        s2 = a2 * tf.square(shrink)
        limit2 = tf.constant(numerics.ball_limit(dtype) ** 2, tf.float64)
        shrink *= tf.sqrt(tf.where(s2 > limit2, limit2 / s2, tf.ones_like(s2)))
        s2 = a2 * tf.square(shrink)
        s = tangent * tf.cast(shrink / gap_x, dtype)
        # x (+) s = x + gap_x (c|s|^2 x + s) / d: nothing cancels, and a short step is added to x as it is.
        d = gap_x * (1.0 - s2) + c * tf.cast(numerics.squared_norm(x + s), tf.float64)
        # The new point has 1 - c|y|^2 = gap_x (1 - c|s|^2) / d, from which comes the factor that keeps it inside.
        y2 = 1.0 - gap_x * (1.0 - s2) / d
        inside = tf.sqrt(tf.where(y2 > limit2, limit2 / y2, tf.ones_like(y2)))
        along_x = inside * (1.0 + gap_x * s2 / d) - 1.0
        return x + (x * tf.cast(along_x, dtype) + s * tf.cast(inside * gap_x / d, dtype))

    def transport(self, tangent: Tensor, to: Tensor) -> Tensor:
        return poincare.parallel_transport(self.points, to, tangent, self._c)
