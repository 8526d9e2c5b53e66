"""Distances of pairs of points, if each point occurs in several pairs.

The distances of a pair depend on the two `MeasuredPoints` and on `|x - y|^2`, so that the coordinates of a pair are read only
once. Conventions: see the docstring of `hyperml_tf.geometry.poincare`.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.distances import squared_distance_of_chord
from hyperml_tf.geometry.poincare.measured import MeasuredPoints
from hyperml_tf.numerics import Tensor


class Pairs(NamedTuple):
    """Pairs of `batch` points `x`, the queries, each with `m` points `y`, its candidates."""

    squared_difference: Tensor
    """`|x - y|^2`, `(batch, m)`."""
    x_squared_norm: Tensor
    """`|x|^2`, `(batch, 1)`."""
    x_gap: Tensor
    """`1 - c|x|^2`, `(batch, 1)`."""
    x_factor: Tensor
    """The factor by which `logmap0` scales `x`, `(batch, 1)`."""
    y_squared_norm: Tensor
    """`|y|^2`, `(batch, m)`."""
    y_gap: Tensor
    """`1 - c|y|^2`, `(batch, m)`."""
    y_factor: Tensor
    """The factor by which `logmap0` scales `y`, `(batch, m)`."""

    @classmethod
    def with_shared(cls, x: MeasuredPoints, y: MeasuredPoints, chosen: Tensor) -> Pairs:
        """Pairs of each query with its positive, and with some candidates of a pool that the queries share.

        Args:
            x: `MeasuredPoints`, `(batch, dim)`, the queries.
            y: `MeasuredPoints`, `(batch + n, dim)`, the positives of the queries and then the pool.
            chosen: Integer tensor `(batch, m - 1)`, indices in the pool, in `[0, n)`.

        Returns:
            Pairs, `(batch, m)`, with the positives first.

        Example:

        One query with its positive and the second candidate of the pool.

        >>> from hyperml_tf.geometry.poincare.measured import measure
        >>> x, y = measure([[0.5, 0.0]], c=1.0), measure([[0.5, 0.0], [0.0, 0.1], [-0.5, 0.0]], c=1.0)
        >>> Pairs.with_shared(x, y, chosen=[[1]]).squared_difference.numpy()
        array([[0., 1.]], dtype=float32)
        """
        chosen = tf.cast(chosen, tf.int32)
        batch = tf.shape(x.points)[0]
        positives, pool = _split(y.points, batch)
        positions = tf.concat([tf.range(batch)[:, tf.newaxis], batch + chosen], axis=1)
        numbers = [tf.gather(number[:, 0], positions) for number in y[1:]]
        return cls(_squared_difference(x.points, positives, tf.gather(pool, chosen)), *x[1:], *numbers)

    @classmethod
    def with_own(cls, x: MeasuredPoints, y: MeasuredPoints, count: int) -> Pairs:
        """Pairs of each query with its positive, and with `count` candidates of its own.

        It equals `with_shared` with `chosen = [[0, ..., count - 1], [count, ..., 2 * count - 1], ...]`, but gathers nothing.

        Args:
            x: `MeasuredPoints`, `(batch, dim)`, the queries.
            y: `MeasuredPoints`, `(batch + batch * count, dim)`, the positives of the queries, then the candidates of the first
                query, of the second query, and so on.
            count: Integer >= 1, the number of candidates per query.

        Returns:
            Pairs, `(batch, 1 + count)`, with the positives first.

        Example:

        >>> from hyperml_tf.geometry.poincare.measured import measure
        >>> x, y = measure([[0.5, 0.0]], c=1.0), measure([[0.5, 0.0], [-0.5, 0.0]], c=1.0)
        >>> Pairs.with_own(x, y, count=1).squared_difference.numpy()
        array([[0., 1.]], dtype=float32)
        """
        parts = [_split(part, tf.shape(x.points)[0]) for part in y]
        (positives, own), numbers = parts[0], parts[1:]
        own = tf.reshape(own, [-1, count, own.shape[-1]])
        rows = [tf.concat([first, tf.reshape(others, [-1, count])], axis=1) for first, others in numbers]
        return cls(_squared_difference(x.points, positives, own), *x[1:], *rows)

    @classmethod
    def of_rows(cls, x: MeasuredPoints, y: MeasuredPoints) -> Pairs:
        """Pairs of each query with one candidate.

        Args:
            x: `MeasuredPoints`, `(batch, dim)`, the queries.
            y: `MeasuredPoints`, `(batch, dim)`, their candidates.

        Returns:
            Pairs, `(batch, 1)`.

        Example:

        >>> from hyperml_tf.geometry.poincare.measured import measure
        >>> points = measure([[0.5, 0.0]], c=1.0)
        >>> Pairs.of_rows(points, points).squared_distance(1.0).numpy()
        array([[0.]], dtype=float32)
        """
        return cls(numerics.squared_norm(x.points - y.points), *x[1:], *y[1:])

    def squared_distance(self, c: Tensor) -> Tensor:
        """Squared geodesic distances, as `poincare.squared_distance`.

        Args:
            c: Float or scalar tensor, >= 0, the curvature for which the points were measured.

        Returns:
            Squared distances, `(batch, m)`; `4 |x - y|^2` at `c = 0`.
        """
        return squared_distance_of_chord(self.squared_difference * (1.0 / (self.x_gap * self.y_gap)), c)

    def tangent_distance(self) -> Tensor:
        """Euclidean distances of the tangent vectors at the origin, `|logmap0(x) - logmap0(y)|`.

        The tangent vectors are `f(x) x` and `f(y) y`, where `f` is the factor of `logmap0`, and

            |f(x) x - f(y) y|^2 = f(x) f(y) |x - y|^2 + (f(x) - f(y)) (f(x)|x|^2 - f(y)|y|^2)

        Both terms are >= 0, because `f` increases with the norm, so that nothing cancels.

        Returns:
            Distances, `(batch, m)`; `|x - y|` at `c = 0`. The gradient at `x == y` is 0.
        """
        parallel = self.x_factor * self.y_factor * self.squared_difference
        radial = self.x_factor * self.x_squared_norm - self.y_factor * self.y_squared_norm
        return numerics.safe_sqrt(parallel + (self.x_factor - self.y_factor) * radial)


def squared_distances_in_groups(x: MeasuredPoints, y: MeasuredPoints, c: Tensor) -> Tensor:
    """Squared distances between queries and all candidates of their group, by one matrix product per group.

    `|x - y|^2` is computed as `|x|^2 + |y|^2 - 2 x . y`, which is inaccurate for points that are close to each other, compared
    with their norms: for losses on candidates that are far away, not for ranking.

    Args:
        x: `MeasuredPoints`, `(groups, size, dim)`, the queries.
        y: `MeasuredPoints`, `(groups, m, dim)`, the candidates.
        c: Float or scalar tensor, >= 0, the curvature for which the points were measured.

    Returns:
        Squared distances, `(groups, size, m)`; `4 |x - y|^2` at `c = 0`.

    Example:

    >>> from hyperml_tf.geometry.poincare.measured import measure
    >>> x, y = measure([[[0.5, 0.0]]], c=0.0), measure([[[0.5, 0.0], [0.5, 1.0]]], c=0.0)
    >>> squared_distances_in_groups(x, y, c=0.0).numpy()
    array([[[0., 4.]]], dtype=float32)
    """
    across = [0, 2, 1]
    products = tf.matmul(x.points, y.points, transpose_b=True)
    difference = tf.nn.relu(x.squared_norm + tf.transpose(y.squared_norm, across) - 2.0 * products)
    return squared_distance_of_chord(difference / (x.gap * tf.transpose(y.gap, across)), c)


def _split(y: Tensor, batch: Tensor) -> list[Tensor]:
    """The first `batch` rows and the other rows. The gradient of a slice would be as large as `y`, that of a split is not."""
    return tf.split(y, [batch, tf.shape(y)[0] - batch])


def _squared_difference(x: Tensor, positives: Tensor, others: Tensor) -> Tensor:
    """`|x - y|^2`, `(batch, m)`, from queries `(batch, dim)`, positives `(batch, dim)` and others `(batch, m - 1, dim)`."""
    to_positives = numerics.squared_norm(x - positives)
    to_others = numerics.squared_norm(x[:, tf.newaxis] - others, keepdims=False)
    return tf.concat([to_positives, to_others], axis=1)
