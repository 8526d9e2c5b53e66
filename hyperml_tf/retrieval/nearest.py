"""Nearest neighbours: candidates by one matrix product, then re-ranked by their true distances.

The product cancels a few digits, so a few more candidates than asked for are taken and re-ranked by `poincare.distance`, which
is what is returned. In float32 that is exact for points up to a distance of about 8 / sqrt(c) from the origin (`sqrt(c)|x|` =
.9993). Farther out, some of the nearest can be missed where a catalogue crowds hundreds of items within 1 / sqrt(c) of each
other; not in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ordering import to_klein
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.exclusions import Exclusion


class Index(Protocol):
    """Points of a catalogue that can be searched; see `ExactIndex` and `QuantisedIndex`."""

    @property
    def n(self) -> int:
        """Number of candidates."""

    @property
    def dim(self) -> int:
        """Dimension of the points."""

    @property
    def spare(self) -> int:
        """Candidates to take beyond `k` before they are re-ranked."""

    @property
    def precision(self) -> str:
        """The dtype of the coordinates that are searched."""

    def points(self, candidates: Tensor) -> Tensor:
        """Indices of candidates, `(...)` -> points, `(..., dim)`."""

    def best(self, queries: Tensor, k: Tensor, exclusion: Exclusion | None = None) -> tuple[Tensor, Tensor]:
        """Scores and indices of the candidates of highest proximity, see `ExactIndex.best`."""


def nearest(
    queries: Tensor, index: Index, c: Tensor, k: Tensor, exclusion: Exclusion | None = None
) -> tuple[Tensor, Tensor]:
    """The `k` nearest candidates of each query, nearest first; equal distances in the order of the catalogue.

    Args:
        queries: points, `(batch, dim)`.
        index: the candidates.
        c: curvature, a scalar >= 0.
        k: how many, an integer or a scalar, at least 1; clamped to the catalogue.
        exclusion: leaves candidates out, see `exclude_pairs`; None: all are searched.

    Returns:
        Indices int32 and distances, both `(batch, min(k, n))`. Where fewer than `k` candidates remain after the exclusions the
        index is -1 and the distance infinite.

    Example:

    >>> from hyperml_tf.retrieval import ExactIndex
    >>> index = ExactIndex.of(tf.constant([[0.5, 0.0], [0.0, 0.5]]), c=tf.constant(1.0))
    >>> indices, distances = nearest(tf.constant([[0.4, 0.0]]), index, tf.constant(1.0), k=1)
    >>> indices.numpy().tolist()
    [[0]]
    """
    enough, k = (
        min(wanted, index.n) if isinstance(wanted, int) else tf.minimum(wanted, index.n)
        for wanted in (k + index.spare, k)
    )
    return rerank(queries, index.best(to_klein(queries, c), enough, exclusion), index.points, c, k)


def rerank(
    queries: Tensor, found: tuple[Tensor, Tensor], points: Callable[[Tensor], Tensor], c: Tensor, k: Tensor
) -> tuple[Tensor, Tensor]:
    """The nearest of the candidates of highest score, put in order by their true distances.

    Args:
        queries: points, `(batch, dim)`.
        found: scores and indices of at least `k` candidates, both `(batch, m)`, as from `ExactIndex.best`.
        points: the points of some candidates, indices `(batch, m)` -> `(batch, m, dim)`.
        c: curvature, a scalar >= 0.
        k: how many, in `[1, m]`.

    Returns:
        As `nearest`.
    """
    scores, indices = found
    # In the order of the catalogue, so that ties are settled the same way for every batch and device; those left out come last.
    indices = tf.where(scores <= scores.dtype.min, tf.int32.max, indices)
    indices = -tf.math.top_k(-indices, tf.shape(indices)[1]).values
    left_out = tf.equal(indices, tf.int32.max)
    distances = poincare.distance(queries[:, tf.newaxis, :], points(tf.where(left_out, 0, indices)), c)
    distances = tf.where(left_out, tf.constant(float("inf"), distances.dtype), distances)
    # Of equal numbers `top_k` takes the first.
    nearness, order = tf.math.top_k(-distances, k)
    return tf.gather(tf.where(left_out, -1, indices), order, batch_dims=1), -nearness
