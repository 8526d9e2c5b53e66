"""Distances of pairs of measured points, where one point may be in many pairs. Conventions: see the package docstring.

What a distance needs of each single point is in `MeasuredPoints`; what it needs of a pair is `|x - y|^2` alone. So the vectors
of a pair are read once, however many distances are taken of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.distances import squared_distance_of_chord
from hyperml_tf.geometry.poincare.measured import MeasuredPoints
from hyperml_tf.numerics import Tensor


class Pairs(NamedTuple):
    """Pairs of each of `batch` points `x` (queries) with `m` points `y` (candidates)."""

    squared_difference: Tensor
    """`|x - y|^2`, `(batch, m)`."""
    x_squared_norm: Tensor
    """`|x|^2`, `(batch, 1)`."""
    x_gap: Tensor
    """`1 - c|x|^2`, `(batch, 1)`."""
    x_factor: Tensor
    """The number by which `logmap0` multiplies `x`, `(batch, 1)`."""
    y_squared_norm: Tensor
    """`|y|^2`, `(batch, m)`."""
    y_gap: Tensor
    """`1 - c|y|^2`, `(batch, m)`."""
    y_factor: Tensor
    """The number by which `logmap0` multiplies `y`, `(batch, m)`."""

    @classmethod
    def with_shared(cls, x: MeasuredPoints, y: MeasuredPoints, chosen: Tensor) -> Pairs:
        """Pairs each query with its positive and with candidates chosen from a pool that all queries share.

        Args:
            x: queries, `(batch, dim)`.
            y: the positive of each query, then the pool, `(batch + n, dim)`.
            chosen: integer positions in the pool, from 0 to `n - 1`, `(batch, m - 1)`.

        Returns:
            Pairs, `(batch, m)`, the positive first.

        Example: one query, its positive, and the last of a pool of two.

        >>> from hyperml_tf.geometry.poincare.measured import measure
        >>> x, y = measure([[0.5, 0.0]], c=1.0), measure([[0.5, 0.0], [0.0, 0.1], [-0.5, 0.0]], c=1.0)
        >>> Pairs.with_shared(x, y, chosen=[[1]]).squared_difference.numpy().tolist()
        [[0.0, 1.0]]
        """
        batch, chosen = tf.shape(x.points)[0], tf.cast(chosen, tf.int32)
        positions = tf.concat([tf.range(batch)[:, tf.newaxis], batch + chosen], axis=1)
        numbers = [tf.gather(number[:, 0], positions) for number in y[1:]]
        return cls(_squared_differences(x.points, y.points, chosen), *x[1:], *numbers)

    @classmethod
    def with_own(cls, x: MeasuredPoints, y: MeasuredPoints, count: int) -> Pairs:
        """Pairs each query with its positive and with `count` candidates of its own.

        The result is that of `with_shared` with `chosen = [[0, ..., count - 1], [count, ..., 2 * count - 1], ...]`; nothing is
        gathered.

        Args:
            x: queries, `(batch, dim)`.
            y: the positive of each query, then the candidates of the first query, of the second and so on,
                `(batch * (1 + count), dim)`.
            count: the number of candidates of each query, >= 1.

        Returns:
            Pairs, `(batch, 1 + count)`, the positive first.

        Example:

        >>> from hyperml_tf.geometry.poincare.measured import measure
        >>> x, y = measure([[0.5, 0.0]], c=1.0), measure([[0.5, 0.0], [-0.5, 0.0]], c=1.0)
        >>> Pairs.with_own(x, y, count=1).squared_difference.numpy().tolist()
        [[0.0, 1.0]]
        """
        batch = tf.shape(x.points)[0]
        numbers = [tf.concat([number[:batch], tf.reshape(number[batch:], [-1, count])], axis=1) for number in y[1:]]
        return cls(_squared_differences(x.points, y.points, count), *x[1:], *numbers)

    def squared_distance(self, c: Tensor) -> Tensor:
        """Squared hyperbolic distances, `(batch, m)`, as `poincare.squared_distance`.

        Args:
            c: curvature, a scalar >= 0, the one at which the points were measured.
        """
        return _squared_distance(self.squared_difference, self.x_gap, self.y_gap, c)

    def tangent_distance(self) -> Tensor:
        """Euclidean distances of the tangent vectors at the origin, `|logmap0(x) - logmap0(y)|`, `(batch, m)`.

        With `f` the factor of `logmap0` these vectors are `f(x) x` and `f(y) y`, and

            |f(x) x - f(y) y|^2 = f(x) f(y) |x - y|^2 + (f(x) - f(y)) (f(x)|x|^2 - f(y)|y|^2)

        Both terms are >= 0, because `f` grows with the norm, so nothing cancels. The gradient at `x == y` is 0.
        """
        x, y = (self.x_squared_norm, self.x_factor), (self.y_squared_norm, self.y_factor)
        return numerics.safe_sqrt(_squared_tangent_distance(self.squared_difference, *x, *y))


@tf.custom_gradient
def _squared_distance(squared_difference: Tensor, x_gap: Tensor, y_gap: Tensor, c: Tensor) -> Any:
    """Squared distances from `|x - y|^2`, `1 - c|x|^2` and `1 - c|y|^2`. The written gradient needs no series."""
    inverse = 1.0 / (x_gap * y_gap)
    chord = squared_difference * inverse

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s = c * chord
        ratio = numerics.asinh_ratio(s)
        slope = 4.0 * upstream * ratio * tf.math.rsqrt(1.0 + s)
        pull = slope * chord
        by_curvature = 4.0 * tf.square(chord) * 2.0 * ratio * numerics.asinh_ratio_slope(s)
        return (
            slope * inverse,
            -tf.reduce_sum(pull, axis=1, keepdims=True) / x_gap,
            -pull / y_gap,
            tf.reduce_sum(upstream * by_curvature),
        )

    return squared_distance_of_chord(chord, c), gradient


@tf.custom_gradient
def _squared_tangent_distance(
    squared_difference: Tensor, x_squared_norm: Tensor, x_factor: Tensor, y_squared_norm: Tensor, y_factor: Tensor
) -> Any:
    """See `Pairs.tangent_distance`: a polynomial, and so is its gradient."""
    product, apart = x_factor * y_factor, x_factor - y_factor
    radial = x_factor * x_squared_norm - y_factor * y_squared_norm

    def gradient(upstream: Tensor) -> tuple[Tensor, ...]:
        def sum_over_pairs(numbers: Tensor) -> Tensor:
            return tf.reduce_sum(upstream * numbers, axis=1, keepdims=True)

        return (
            upstream * product,
            sum_over_pairs(apart) * x_factor,
            sum_over_pairs(y_factor * squared_difference + radial + apart * x_squared_norm),
            -upstream * apart * y_factor,
            upstream * (x_factor * squared_difference - radial - apart * y_squared_norm),
        )

    return product * squared_difference + apart * radial, gradient


def _squared_differences(x: Tensor, y: Tensor, chosen: Tensor | int) -> Tensor:
    """`|x - y|^2` of each pair, `(batch, m)`, for the positions or the count of `Pairs`.

    The written gradient reads the differences once.
    """

    @tf.custom_gradient
    def squares(x: Tensor, y: Tensor) -> Any:
        batch, dim = tf.shape(x)[0], x.shape[-1]
        own = isinstance(chosen, int)
        # Positives are where they are: only the others are gathered, and only their gradients are added up.
        others = y[batch:]
        others = tf.reshape(others, [-1, chosen, dim]) if own else tf.gather(others, chosen)
        to_positive, to_others = x - y[:batch], x[:, tf.newaxis] - others

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            weight = 2.0 * upstream
            positive, apart = to_positive * weight[:, :1], to_others * weight[:, 1:, tf.newaxis]
            rows = tf.reshape(apart, [-1, dim])
            if not own:
                rows = tf.math.unsorted_segment_sum(rows, tf.reshape(chosen, [-1]), tf.shape(y)[0] - batch)
            return positive + tf.reduce_sum(apart, axis=1), -tf.concat([positive, rows], axis=0)

        found = [numerics.squared_norm(to_positive), numerics.squared_norm(to_others, keepdims=False)]
        return tf.concat(found, axis=1), gradient

    return squares(x, y)
