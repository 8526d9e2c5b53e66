"""Distances between queries and some candidates of each, where a candidate may be among those of many queries."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.distances import squared_distance_of_chord
from hyperml_tf.geometry.poincare.maps import logmap0_factor
from hyperml_tf.models.measured import Measured
from hyperml_tf.numerics import Tensor


class Pairs(NamedTuple):
    """What the loss needs to know of pairs of points."""

    squared: Tensor
    """Squared hyperbolic distances, `(batch, m)`."""
    tangent: Tensor | None
    """Distances of the tangent vectors at the origin, `(batch, m)`, if they were asked for."""


def pairs(queries: Measured, candidates: Measured, positions: Tensor, c: Tensor, with_tangent: bool = True) -> Pairs:
    """Distances from each query to its candidates.

    Both distances follow from `s = |x - y|^2` and numbers that depend on one point alone, so the vectors of a pair are read once.
    For the tangent vectors `f(x) x` and `f(y) y`, where `f` is the factor of `logmap0`,

        |f(x) x - f(y) y|^2 = f(x) f(y) s + (f(x) - f(y)) (f(x)|x|^2 - f(y)|y|^2)

    Both terms are >= 0, because `f` grows with the norm: nothing cancels.

    Args:
        queries: measured points, `(batch, dim)`.
        candidates: measured points, `(n, dim)`.
        positions: for each query the rows of its candidates, `(batch, m)`.
        c: curvature, a scalar >= 0.
        with_tangent: whether the distances of the tangent vectors are wanted.
    """
    squares = _squared_differences(queries.points, candidates.points, positions)
    gap = tf.gather(candidates.gap[:, 0], positions)
    squared = squared_distance_of_chord(squares / queries.gap / gap, c)
    if not with_tangent:
        return Pairs(squared, None)
    near, far = (logmap0_factor(side.squared_norm, side.gap, c) for side in (queries, candidates))
    near_radial, far_radial = near * queries.squared_norm, far * candidates.squared_norm
    far, far_radial = tf.unstack(tf.gather(tf.concat([far, far_radial], axis=1), positions), axis=-1)
    return Pairs(squared, numerics.safe_sqrt(near * far * squares + (near - far) * (near_radial - far_radial)))


@tf.custom_gradient
def _squared_differences(queries: Tensor, candidates: Tensor, positions: Tensor) -> Any:
    """`|x - y|^2` of each pair, `(batch, m)`. The gradient is written out, because it reads the differences once."""
    difference = queries[:, tf.newaxis] - tf.gather(candidates, positions)

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, None]:
        pull = difference * (2.0 * upstream)[..., tf.newaxis]
        rows = tf.reshape(pull, [-1, pull.shape[-1]])
        scattered = tf.math.unsorted_segment_sum(rows, tf.reshape(positions, [-1]), tf.shape(candidates)[0])
        return tf.reduce_sum(pull, axis=1), -scattered, None

    return numerics.squared_norm(difference, keepdims=False), gradient
