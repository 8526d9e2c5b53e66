"""Distances between queries and some candidates of each, where a candidate may be among those of many queries."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ball import column, gap
from hyperml_tf.geometry.poincare.distances import squared_distance_of_chord
from hyperml_tf.numerics import Tensor


class Pairs(NamedTuple):
    """What the loss needs to know of pairs of points."""

    squared: Tensor
    """Squared hyperbolic distances, `(batch, m)`."""
    tangent: Tensor | None
    """Distances of the tangent vectors at the origin, `(batch, m)`, if they were asked for."""


def pairs(queries: Tensor, candidates: Tensor, positions: Tensor, c: Tensor, with_tangent: bool = True) -> Pairs:
    """Distances from each query to its candidates.

    What depends on one point alone (its gap, its tangent vector) is computed once a point, not once a pair.

    Args:
        queries: points, `(batch, dim)`.
        candidates: points, `(n, dim)`.
        positions: for each query the rows of its candidates, `(batch, m)`.
        c: curvature, a scalar >= 0.
        with_tangent: whether the distances of the tangent vectors are wanted.
    """
    near, far = gap(queries, column(c)), tf.squeeze(tf.gather(gap(candidates, column(c)), positions), -1)
    chord = _squared_differences(queries, candidates, positions) / near / far
    squared = squared_distance_of_chord(chord, c)
    if not with_tangent:
        return Pairs(squared, None)
    tangent = _squared_differences(poincare.logmap0(queries, c), poincare.logmap0(candidates, c), positions)
    return Pairs(squared, numerics.safe_sqrt(tangent))


def _squared_differences(queries: Tensor, candidates: Tensor, positions: Tensor) -> Tensor:
    return numerics.squared_norm(queries[:, tf.newaxis] - tf.gather(candidates, positions), keepdims=False)
