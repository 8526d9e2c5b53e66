"""Points with what training needs of each one alone, computed once a point and not once a pair."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.ball import column, gap_of_norm
from hyperml_tf.geometry.poincare.maps import logmap0_factor
from hyperml_tf.numerics import Tensor


class Measured(NamedTuple):
    """Points of the ball, and what follows from their norms."""

    points: Tensor
    """Points, `(..., dim)`."""
    squared_norm: Tensor
    """`|x|^2`, `(..., 1)`."""
    gap: Tensor
    """`1 - c|x|^2`, `(..., 1)`."""
    factor: Tensor
    """What `logmap0` multiplies the point by, `(..., 1)`."""

    def detached(self) -> Measured:
        """The same numbers, through which no gradient flows."""
        return Measured(*map(tf.stop_gradient, self))

    def rows(self, begin: Tensor | None = None, end: Tensor | None = None) -> Measured:
        """The points from `begin` up to `end`, as in slicing."""
        return Measured(*(part[begin:end] for part in self))

    def grouped(self, size: int) -> Measured:
        """The points in groups of `size`, `(groups, size, dim)`; their number must be a multiple of it."""
        return Measured(*(tf.reshape(part, [-1, size, part.shape[-1]]) for part in self))


def measure(points: Tensor, c: Tensor) -> Measured:
    """Measures points of the ball.

    Args:
        points: points, `(..., dim)`.
        c: curvature, a scalar >= 0.
    """
    wide = numerics.wide_squared_norm(points)
    squared_norm, gap = tf.cast(wide, points.dtype), gap_of_norm(wide, column(c), points.dtype)
    return Measured(points, squared_norm, gap, logmap0_factor(squared_norm, gap, c))
