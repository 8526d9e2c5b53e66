"""Nearest-neighbour search: candidates from one matrix product, re-ranked by their exact distances.

The matrix product loses a few digits to cancellation, so a few candidates more than `k` are retrieved and re-ranked by
`poincare.distance`, which is returned. In float32, the result is exact for points up to a distance of about 8 / sqrt(c) from the
origin (`sqrt(c)|x| = .9993`). Farther out, some neighbours can be missed if hundreds of items are within 1 / sqrt(c) of each
other. In float64, none are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ordering import to_klein
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.exclusions import Exclusion


@runtime_checkable
class Index(Protocol):
    """The interface of an index of points; see `ExactIndex` and `QuantisedIndex`."""

    @property
    def n(self) -> int:
        """Number of candidates."""

    @property
    def dim(self) -> int:
        """Dimension of the points."""

    @property
    def spare(self) -> int:
        """Number of candidates beyond `k` that are re-ranked."""

    @property
    def precision(self) -> str:
        """The dtype of the coordinates in the search."""

    def points(self, candidates: Tensor) -> Tensor:
        """Returns the points, `(..., dim)`, of indices of candidates, `(...)`."""

    def best(self, queries: Tensor, k: Tensor, exclusion: Exclusion | None = None) -> tuple[Tensor, Tensor]:
        """Finds the candidates of highest proximity, see `ExactIndex.best`."""


@names_arguments
def nearest(
    queries: Tensor, index: Index, c: Tensor, k: Tensor, exclusion: Exclusion | None = None
) -> tuple[Tensor, Tensor]:
    """Finds the `k` nearest candidates of each query, nearest first; ties are in the order of the catalogue.

    At `c = 0` distances are `2 |x - y|`.

    Args:
        queries: Points, `(batch, dim)`.
        index: An `ExactIndex` or a `QuantisedIndex` of the candidates.
        c: Scalar >= 0, curvature.
        k: Integer >= 1, or a scalar tensor, the number of neighbours, at most the size of the catalogue.
        exclusion: Optional `Exclusion`, see `exclude_pairs`. Defaults to `None`, no exclusions.

    Returns:
        Int32 indices and distances, `(batch, min(k, n))` each. If exclusions leave fewer than `k` candidates, the index is -1 and
        the distance infinite. For a query that is not finite, the indices are -1 and the distances NaN.

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
    """Re-ranks candidates by their exact distances.

    Args:
        queries: Points, `(batch, dim)`.
        found: Scores and indices of at least `k` candidates, `(batch, m)` each, as from `ExactIndex.best`.
        points: A function from indices of candidates, `(batch, m)`, to points, `(batch, m, dim)`.
        c: Scalar >= 0, curvature.
        k: Integer scalar in `[1, m]`, number of neighbours.

    Returns:
        As `nearest`.
    """
    scores, indices = found
    return by_distance(queries, tf.where(scores <= scores.dtype.min, -1, indices), points, c, k)


def by_distance(
    queries: Tensor, candidates: Tensor, points: Callable[[Tensor], Tensor], c: Tensor, k: Tensor
) -> tuple[Tensor, Tensor]:
    """Ranks candidates by their exact distances, each once.

    Args:
        queries: Points, `(batch, dim)`.
        candidates: Int32 indices, `(batch, m)`, `m >= k`, in any order; -1 is padding.
        points: A function from indices of candidates, `(batch, m)`, to points, `(batch, m, dim)`.
        c: Scalar >= 0, curvature.
        k: Integer scalar in `[1, m]`, number of neighbours.

    Returns:
        As `nearest`.
    """
    # In the order of the catalogue, so that ties are broken the same way in every batch; padding comes last.
    indices = tf.where(candidates < 0, tf.int32.max, candidates)
    indices = -tf.math.top_k(-indices, tf.shape(indices)[1]).values
    repeated = tf.pad(indices[:, 1:] == indices[:, :-1], [[0, 0], [1, 0]])
    left_out = repeated | tf.equal(indices, tf.int32.max)
    distances = poincare.distance(queries[:, tf.newaxis, :], points(tf.where(left_out, 0, indices)), c)
    distances = tf.where(left_out, tf.constant(float("inf"), distances.dtype), distances)
    left_out |= tf.math.is_nan(distances)
    # Among ties, `top_k` takes the first.
    nearness, order = tf.math.top_k(-distances, k)
    return tf.gather(tf.where(left_out, -1, indices), order, batch_dims=1), -nearness
