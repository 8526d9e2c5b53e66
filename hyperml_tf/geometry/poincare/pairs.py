"""Distances of pairs of measured points, where one point may be in many pairs. Conventions: see the package docstring.

What a distance needs of each single point is in `MeasuredPoints`; what it needs of a pair is `|x - y|^2` alone. So the vectors
of a pair are read once, however many distances are taken of it.
"""

from __future__ import annotations

from typing import NamedTuple

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
        chosen = tf.cast(chosen, tf.int32)
        batch = tf.shape(x.points)[0]
        positives, pool = _split(y.points, batch)
        positions = tf.concat([tf.range(batch)[:, tf.newaxis], batch + chosen], axis=1)
        numbers = [tf.gather(number[:, 0], positions) for number in y[1:]]
        return cls(_squared_difference(x.points, positives, tf.gather(pool, chosen)), *x[1:], *numbers)

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
        parts = [_split(part, tf.shape(x.points)[0]) for part in y]
        (positives, own), numbers = parts[0], parts[1:]
        own = tf.reshape(own, [-1, count, own.shape[-1]])
        rows = [tf.concat([first, tf.reshape(others, [-1, count])], axis=1) for first, others in numbers]
        return cls(_squared_difference(x.points, positives, own), *x[1:], *rows)

    def squared_distance(self, c: Tensor) -> Tensor:
        """Squared hyperbolic distances, `(batch, m)`, as `poincare.squared_distance`.

        Args:
            c: curvature, a scalar >= 0, the one at which the points were measured.
        """
        return squared_distance_of_chord(self.squared_difference * (1.0 / (self.x_gap * self.y_gap)), c)

    def tangent_distance(self) -> Tensor:
        """Euclidean distances of the tangent vectors at the origin, `|logmap0(x) - logmap0(y)|`, `(batch, m)`.

        With `f` the factor of `logmap0` these vectors are `f(x) x` and `f(y) y`, and

            |f(x) x - f(y) y|^2 = f(x) f(y) |x - y|^2 + (f(x) - f(y)) (f(x)|x|^2 - f(y)|y|^2)

        Both terms are >= 0, because `f` grows with the norm, so nothing cancels. The gradient at `x == y` is 0.
        """
        parallel = self.x_factor * self.y_factor * self.squared_difference
        radial = self.x_factor * self.x_squared_norm - self.y_factor * self.y_squared_norm
        return numerics.safe_sqrt(parallel + (self.x_factor - self.y_factor) * radial)


def _split(y: Tensor, batch: Tensor) -> list[Tensor]:
    """The first `batch` rows and the others. Not by slices: the gradient of each slice would be as large as `y`."""
    return tf.split(y, [batch, tf.shape(y)[0] - batch])


def _squared_difference(x: Tensor, positives: Tensor, others: Tensor) -> Tensor:
    """`|x - y|^2`, `(batch, m)`, of `(batch, dim)` with `(batch, dim)` and with `(batch, m - 1, dim)`."""
    to_positives = numerics.squared_norm(x - positives)
    to_others = numerics.squared_norm(x[:, tf.newaxis] - others, keepdims=False)
    return tf.concat([to_positives, to_others], axis=1)
