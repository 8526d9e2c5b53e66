"""Queries and some candidates of each, where a candidate may be among those of many queries."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.models.training.measured import Measured
from hyperml_tf.numerics import Tensor


class Pairs(NamedTuple):
    """Numbers of pairs of points: all that a function of their distance depends on."""

    squares: Tensor
    """`|x - y|^2`, `(batch, m)`."""
    near_norm: Tensor
    """`|x|^2` of the query, `(batch, 1)`."""
    near_gap: Tensor
    """`1 - c|x|^2`, `(batch, 1)`."""
    near_factor: Tensor
    """What `logmap0` multiplies the query by, `(batch, 1)`."""
    far_norm: Tensor
    """`|y|^2` of the candidate, `(batch, m)`."""
    far_gap: Tensor
    """`1 - c|y|^2`, `(batch, m)`."""
    far_factor: Tensor
    """What `logmap0` multiplies the candidate by, `(batch, m)`."""

    @classmethod
    def of(cls, queries: Measured, candidates: Measured, chosen: Tensor | int) -> Pairs:
        """Pairs each query with its positive, and then with some candidates; the vectors of a pair are read once.

        Args:
            queries: measured points, `(batch, dim)`.
            candidates: measured points, `(batch + n, dim)`: the positive of each query, then candidates.
            chosen: for each query the rows of its candidates, `(batch, m - 1)`, counted from the first one after the positives;
                or how many each has, where every query has its own, one query after the other.
        """
        batch = tf.shape(queries.points)[0]
        if isinstance(chosen, int):
            far = [
                tf.concat([number[:batch], tf.reshape(number[batch:], [-1, chosen])], axis=1)
                for number in candidates[1:]
            ]
        else:
            positions = tf.concat([tf.range(batch)[:, tf.newaxis], batch + chosen], axis=1)
            far = [tf.gather(number[:, 0], positions) for number in candidates[1:]]
        return cls(_squared_differences(queries.points, candidates.points, chosen), *queries[1:], *far)

    def squared_distance(self, c: Tensor) -> Tensor:
        """Squared hyperbolic distances, `(batch, m)`."""
        return _squared_distance(self.squares, self.near_gap, self.far_gap, c)

    def tangent_distance(self) -> Tensor:
        """Distances of the tangent vectors at the origin, `(batch, m)`.

        They are `f(x) x` and `f(y) y`, where `f` is the factor of `logmap0`, and

            |f(x) x - f(y) y|^2 = f(x) f(y) |x - y|^2 + (f(x) - f(y)) (f(x)|x|^2 - f(y)|y|^2)

        Both terms are >= 0, because `f` grows with the norm: nothing cancels.
        """
        near, far = (self.near_norm, self.near_factor), (self.far_norm, self.far_factor)
        return numerics.safe_sqrt(_squared_tangent_distance(self.squares, *near, *far))


@tf.custom_gradient
def _squared_distance(squares: Tensor, near_gap: Tensor, far_gap: Tensor, c: Tensor) -> Any:
    """From `|x - y|^2`, `1 - c|x|^2` and `1 - c|y|^2`. Its gradient is written out: it needs no series."""
    inverse = 1.0 / (near_gap * far_gap)
    chord = squares * inverse
    ratio = numerics.asinh_ratio(c * chord)

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        slope = 4.0 * upstream * ratio * tf.math.rsqrt(1.0 + c * chord)
        pull = slope * chord
        by_curvature = 4.0 * tf.square(chord) * 2.0 * ratio * numerics.asinh_ratio_slope(c * chord)
        return (
            slope * inverse,
            -tf.reduce_sum(pull, axis=1, keepdims=True) / near_gap,
            -pull / far_gap,
            tf.reduce_sum(upstream * by_curvature),
        )

    return 4.0 * chord * tf.square(ratio), gradient


@tf.custom_gradient
def _squared_tangent_distance(
    squares: Tensor, near_norm: Tensor, near_factor: Tensor, far_norm: Tensor, far_factor: Tensor
) -> Any:
    """See `Pairs.tangent_distance`; a polynomial, and so is its gradient."""
    product, apart = near_factor * far_factor, near_factor - far_factor
    radial = near_factor * near_norm - far_factor * far_norm

    def gradient(upstream: Tensor) -> tuple[Tensor, ...]:
        def a_query(numbers: Tensor) -> Tensor:
            return tf.reduce_sum(upstream * numbers, axis=1, keepdims=True)

        return (
            upstream * product,
            a_query(apart) * near_factor,
            a_query(far_factor * squares + radial + apart * near_norm),
            -upstream * apart * far_factor,
            upstream * (near_factor * squares - radial - apart * far_norm),
        )

    return product * squares + apart * radial, gradient


def _squared_differences(queries: Tensor, candidates: Tensor, chosen: Tensor | int) -> Tensor:
    """`|x - y|^2` of each pair, `(batch, m)`. The gradient is written out, because so it reads the differences once."""

    @tf.custom_gradient
    def squares(queries: Tensor, candidates: Tensor) -> Any:
        batch, dim = tf.shape(queries)[0], queries.shape[-1]
        own = isinstance(chosen, int)
        # Positives are where they are: only the others are gathered, and only their gradients are added up.
        others = candidates[batch:]
        others = tf.reshape(others, [-1, chosen, dim]) if own else tf.gather(others, chosen)
        to_positive, to_others = queries - candidates[:batch], queries[:, tf.newaxis] - others

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            weight = 2.0 * upstream
            positive, apart = to_positive * weight[:, :1], to_others * weight[:, 1:, tf.newaxis]
            rows = tf.reshape(apart, [-1, dim])
            if not own:
                rows = tf.math.unsorted_segment_sum(rows, tf.reshape(chosen, [-1]), tf.shape(candidates)[0] - batch)
            return positive + tf.reduce_sum(apart, axis=1), -tf.concat([positive, rows], axis=0)

        found = [numerics.squared_norm(to_positive), numerics.squared_norm(to_others, keepdims=False)]
        return tf.concat(found, axis=1), gradient

    return squares(queries, candidates)
