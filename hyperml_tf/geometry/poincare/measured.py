"""Points with the numbers that follow from their norms, computed once per point instead of once per pair.

Conventions: see the package docstring.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare import maps
from hyperml_tf.geometry.poincare.ball import column, gap_of_norm
from hyperml_tf.numerics import Tensor


class MeasuredPoints(NamedTuple):
    """Points of the ball and what follows from their norms; made by `measure`."""

    points: Tensor
    """Points, `(..., dim)`."""
    squared_norm: Tensor
    """`|x|^2`, `(..., 1)`."""
    gap: Tensor
    """`1 - c|x|^2`, `(..., 1)`."""
    logmap0_factor: Tensor
    """The number by which `logmap0` multiplies the point, `(..., 1)`."""

    def conformal_factor(self) -> Tensor:
        """`2 / (1 - c|x|^2)`, `(..., 1)`."""
        return 2.0 / self.gap

    def detached(self) -> MeasuredPoints:
        """The same numbers, through which no gradient flows."""
        return MeasuredPoints(*map(tf.stop_gradient, self))

    def rows(self, begin: Tensor | None = None, end: Tensor | None = None) -> MeasuredPoints:
        """The points from `begin` up to, but not including, `end`, as in slicing."""
        return MeasuredPoints(*(part[begin:end] for part in self))

    def grouped(self, size: int) -> MeasuredPoints:
        """The points `(n, dim)` in groups of `size`, `(n / size, size, dim)`; `n` must be a multiple of `size`."""
        return MeasuredPoints(*(tf.reshape(part, [-1, size, part.shape[-1]]) for part in self))


def measure(x: Tensor, c: Tensor) -> MeasuredPoints:
    """Measures points of the ball.

    Args:
        x: points, `(..., dim)`.
        c: curvature, a scalar >= 0. At `c = 0` the gap and the factor of `logmap0` are 1.

    Returns:
        The points and their numbers. The squared norm is summed in float64 and rounded once.

    Example:

    >>> measured = measure([[0.0, 0.5]], c=1.0)
    >>> measured.squared_norm.numpy().tolist(), measured.gap.numpy().tolist()
    ([[0.25]], [[0.75]])
    """
    x, c = numerics.promote(x, c)
    wide = numerics.wide_squared_norm(x)
    squared_norm, gap = tf.cast(wide, x.dtype), gap_of_norm(wide, column(c), x.dtype)
    return MeasuredPoints(x, squared_norm, gap, maps.logmap0_factor(squared_norm, gap, c))
