"""Points together with quantities that depend on their norms only, computed once per point and not once per pair.

Conventions: see the docstring of `hyperml_tf.geometry.poincare`.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare import ball, maps
from hyperml_tf.numerics import Tensor


class MeasuredPoints(NamedTuple):
    """Points of the ball, and quantities that depend on their norms only. Returned by `measure`."""

    points: Tensor
    """Points `x`, `(..., dim)`."""
    squared_norm: Tensor
    """`|x|^2`, `(..., 1)`."""
    gap: Tensor
    """`1 - c|x|^2`, `(..., 1)`."""
    logmap0_factor: Tensor
    """The factor by which `logmap0` scales the point, `(..., 1)`."""

    def conformal_factor(self) -> Tensor:
        """Conformal factors, `2 / (1 - c|x|^2)`, `(..., 1)`."""
        return 2.0 / self.gap

    def detached(self) -> MeasuredPoints:
        """The same values without gradients."""
        return MeasuredPoints(*map(tf.stop_gradient, self))

    def rows(self, begin: Tensor | None = None, end: Tensor | None = None) -> MeasuredPoints:
        """The slice `begin:end` of the first axis."""
        return MeasuredPoints(*(part[begin:end] for part in self))

    def grouped(self, size: int) -> MeasuredPoints:
        """Points `(n, dim)` in groups, `(n / size, size, dim)`. `n` must be a multiple of `size`."""
        return MeasuredPoints(*(tf.reshape(part, [-1, size, part.shape[-1]]) for part in self))


def measure(x: Tensor, c: Tensor) -> MeasuredPoints:
    """Computes the quantities of `MeasuredPoints`.

    Args:
        x: Tensor of points, `(..., dim)`.
        c: Float or tensor `(...)`, >= 0, the curvature.

    Returns:
        `MeasuredPoints`, whose `gap` and `logmap0_factor` are 1 at `c = 0`.

    Example:

    >>> measure([[0.0, 0.5]], c=1.0).gap.numpy()
    array([[0.75]], dtype=float32)
    """
    x, c = numerics.promote(x=x, c=c)
    c_column = ball.column(c)
    if x.dtype == tf.float64:
        squared_norm, gap = numerics.squared_norm(x), ball.gap(x, c_column)
    else:  # one sum for both
        wide = numerics.wide_squared_norm(x)
        squared_norm, gap = tf.cast(wide, x.dtype), ball.gap_of_norm(wide, c_column, x.dtype)
    return MeasuredPoints(x, squared_norm, gap, maps.logmap0_factor(squared_norm, gap, c_column))
