"""The Poincaré ball: variables whose rows are points of it."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ball import column, gap
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold


class PoincareBall(Manifold):
    """The Poincaré ball of curvature `c`.

    The formulas are those of `geometry.poincare`, arranged for the training step: they pass over whole rows as few times as
    possible, and quantities with one value per point are computed in float64, at almost no cost. At `c = 0` the ball is flat
    space with the metric `4 |dx|^2`.

    Args:
        points: The base points, of shape `(..., dim)`. They are projected into the ball first, because a learned curvature may
            have grown since they were written.
        c: The curvature `c >= 0`, a scalar.
        retraction: `"expmap"` or `"projection"`; see `RiemannianOptimizer`. Both return points inside the ball, at most at the
            radius that `geometry.poincare.project` allows.
    """

    def __init__(self, points: Tensor, c: Tensor, retraction: str) -> None:
        points, self._c = numerics.promote(points=points, c=c)
        self.points = poincare.project(points, self._c)
        self._gap = gap(self.points, column(self._c))
        self._retraction = retraction

    def egrad2rgrad(self, u: Tensor) -> Tensor:
        return u * tf.square(self._gap / 2.0)

    def rgrad_component_inner(self, u: Tensor) -> Tensor:
        # lambda^2 |rgrad|^2 = |u|^2 / lambda^2
        return numerics.squared_norm(u) * tf.square(self._gap / 2.0)

    def retr(self, u: Tensor) -> Tensor:
        if self._retraction == "projection":
            return poincare.project(self.points + u, self._c)
        return self._expmap(u)

    def _expmap(self, u: Tensor) -> Tensor:
        x, dtype, c = self.points, self.points.dtype, tf.cast(self._c, tf.float64)
        gap_x = tf.cast(self._gap, tf.float64)
        # exp_x(u) = x (+) s with s = tanh(a) u / |u| / sqrt(c) and a = sqrt(c) |u| / gap_x. Like every point, s is limited to
        # the largest radius of the dtype.
        a2 = c * numerics.wide_squared_norm(u) / tf.square(gap_x)  # float64 has the range for a step of any length
        shrink = numerics.tanh_ratio(a2)
        s2 = a2 * tf.square(shrink)
        limit2 = tf.constant(numerics.ball_limit(dtype) ** 2, tf.float64)
        shrink *= tf.sqrt(tf.where(s2 > limit2, limit2 / s2, tf.ones_like(s2)))
        s2 = a2 * tf.square(shrink)
        s = u * tf.cast(shrink / gap_x, dtype)
        # x (+) s = x + gap_x (c|s|^2 x + s) / d: nothing cancels, and a short step is added to x without rounding it.
        d = gap_x * (1.0 - s2) + c * tf.cast(numerics.squared_norm(x + s), tf.float64)
        # The new point y has 1 - c|y|^2 = gap_x (1 - c|s|^2) / d, which gives the factor that keeps it inside the ball.
        y2 = 1.0 - gap_x * (1.0 - s2) / d
        inside = tf.sqrt(tf.where(y2 > limit2, limit2 / y2, tf.ones_like(y2)))
        along_x = inside * (1.0 + gap_x * s2 / d) - 1.0
        return x + (x * tf.cast(along_x, dtype) + s * tf.cast(inside * gap_x / d, dtype))

    def transp(self, y: Tensor, v: Tensor) -> Tensor:
        return poincare.parallel_transport(self.points, y, v, self._c)
