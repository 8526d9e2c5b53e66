"""Queries and some candidates of each, where a candidate may be among those of many queries."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.distances import squared_distance_of_chord
from hyperml_tf.geometry.poincare.maps import logmap0_factor
from hyperml_tf.models.measured import Measured
from hyperml_tf.numerics import Tensor


class Pairs(NamedTuple):
    """Numbers of pairs of points: all that a function of their distance depends on."""

    squares: Tensor
    """`|x - y|^2`, `(batch, m)`."""
    near_norm: Tensor
    """`|x|^2` of the query, `(batch, 1)`."""
    near_gap: Tensor
    """`1 - c|x|^2`, `(batch, 1)`."""
    far_norm: Tensor
    """`|y|^2` of the candidate, `(batch, m)`."""
    far_gap: Tensor
    """`1 - c|y|^2`, `(batch, m)`."""

    @classmethod
    def of(cls, queries: Measured, candidates: Measured, positions: Tensor) -> Pairs:
        """Pairs each query with its candidates; the vectors of a pair are read once.

        Args:
            queries: measured points, `(batch, dim)`.
            candidates: measured points, `(n, dim)`.
            positions: for each query the rows of its candidates, `(batch, m)`.
        """
        squares = _squared_differences(queries.points, candidates.points, positions)
        numbers = tf.gather(tf.concat([candidates.squared_norm, candidates.gap], axis=1), positions)
        return cls(squares, queries.squared_norm, queries.gap, *tf.unstack(numbers, axis=-1))

    def squared_distance(self, c: Tensor) -> Tensor:
        """Squared hyperbolic distances, `(batch, m)`."""
        return squared_distance_of_chord(self.squares / self.near_gap / self.far_gap, c)

    def tangent_distance(self, c: Tensor) -> Tensor:
        """Distances of the tangent vectors at the origin, `(batch, m)`.

        They are `f(x) x` and `f(y) y`, where `f` is the factor of `logmap0`, and

            |f(x) x - f(y) y|^2 = f(x) f(y) |x - y|^2 + (f(x) - f(y)) (f(x)|x|^2 - f(y)|y|^2)

        Both terms are >= 0, because `f` grows with the norm: nothing cancels.
        """
        near, far = logmap0_factor(self.near_norm, self.near_gap, c), logmap0_factor(self.far_norm, self.far_gap, c)
        radial = (near - far) * (near * self.near_norm - far * self.far_norm)
        return numerics.safe_sqrt(near * far * self.squares + radial)


@tf.custom_gradient
def _squared_differences(queries: Tensor, candidates: Tensor, positions: Tensor) -> Any:
    """`|x - y|^2` of each pair, `(batch, m)`. The gradient is written out, because so it reads the differences once."""
    difference = queries[:, tf.newaxis] - tf.gather(candidates, positions)

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, None]:
        pull = difference * (2.0 * upstream)[..., tf.newaxis]
        rows = tf.reshape(pull, [-1, pull.shape[-1]])
        scattered = tf.math.unsorted_segment_sum(rows, tf.reshape(positions, [-1]), tf.shape(candidates)[0])
        return tf.reduce_sum(pull, axis=1), -scattered, None

    return numerics.squared_norm(difference, keepdims=False), gradient
