"""Nearest-neighbour search among given candidates: if they are few, only their points are read."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.chunks import in_chunks
from hyperml_tf.retrieval.exclusions import exclude_others
from hyperml_tf.retrieval.nearest import Index, by_distance, nearest

# Gathering and ranking one candidate takes about as long as scoring this many of the catalogue, which are read in order.
_ROWS_PER_CANDIDATE = 16


@names_arguments
def nearest_among(queries: Tensor, candidates: Tensor, index: Index, c: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Finds the `k` nearest of some candidates of each query, nearest first; ties are in the order of the catalogue.

    The points of few candidates are gathered and ranked by their exact distances, so the time depends on their number and not on
    the size of the catalogue. Many candidates are found by a search of the catalogue that excludes all others. Large batches are
    answered in parts, so that memory is bounded.

    Args:
        queries: Points, `(batch, dim)`.
        candidates: Int32 indices of candidates, `(batch, m)`, in any order; -1 is padding, and repeated ones count once.
        index: An `ExactIndex` or a `QuantisedIndex` of the catalogue.
        c: Scalar >= 0, curvature.
        k: Integer >= 1, or a scalar tensor, the number of neighbours, at most the size of the catalogue.

    Returns:
        Int32 indices and distances, `(batch, min(k, n))` each, as `nearest`: beyond the candidates, the index is -1 and the
        distance infinite.

    Example:

    >>> from hyperml_tf.retrieval import ExactIndex
    >>> index = ExactIndex.of(tf.constant([[0.5, 0.0], [0.0, 0.5], [0.4, 0.0]]), c=tf.constant(1.0))
    >>> indices, distances = nearest_among(tf.constant([[0.4, 0.0]]), tf.constant([[1, 0]]), index, tf.constant(1.0), k=3)
    >>> indices.numpy().tolist()
    [[0, 1, -1]]
    """
    queries, candidates = tf.convert_to_tensor(queries), tf.cast(candidates, tf.int32)
    k = min(k, index.n) if isinstance(k, int) else tf.minimum(k, index.n)
    m = tf.shape(candidates)[1]
    are_few = m * _ROWS_PER_CANDIDATE < index.n

    def chunk(queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        return tf.cond(
            are_few,
            lambda: _nearest_of_few(queries, candidates, index, c, k),
            lambda: nearest(queries, index, c, k, exclude_others(candidates)),
        )

    numbers_per_row = tf.where(are_few, m * index.dim, index.n)
    specs = [tf.TensorSpec([None, k if isinstance(k, int) else None], dtype) for dtype in (tf.int32, queries.dtype)]
    indices, distances = in_chunks(chunk, [queries, candidates], numbers_per_row, specs)
    return indices, distances


def _nearest_of_few(queries: Tensor, candidates: Tensor, index: Index, c: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    missing = tf.maximum(k - tf.shape(candidates)[1], 0)
    filled = tf.pad(candidates, [[0, 0], [0, missing]], constant_values=-1)
    return by_distance(queries, filled, index.points, c, k)
