"""Top-k selection with few passes over all scores."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry.poincare.ordering import proximity, proximity_bound
from hyperml_tf.numerics import Tensor

# Rows per block, see `top_k`.
_BLOCK = 32


def top_k(scores: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Finds the `k` highest scores of each column, highest first, and their rows.

    The `k` highest scores are in the `k` blocks of rows with the highest maxima. Block maxima take one vectorized pass over the
    scores, unlike a heap per query; then only the scores of these blocks are sorted.

    Args:
        scores: Scores, `(n, batch)`.
        k: Integer scalar in `[1, n]`.

    Returns:
        Scores and int32 rows, `(batch, k)` each.

    Example:

    >>> scores, rows = top_k(tf.constant([[0.1], [0.9], [0.5]]), k=2)
    >>> rows.numpy().tolist()
    [[1, 2]]
    """
    maxima = _block_maxima(scores)
    _, best = tf.math.top_k(tf.transpose(maxima), tf.minimum(k, tf.shape(maxima)[0]), sorted=False)
    rows = _rows_of(best, scores)
    values, order = tf.math.top_k(_entries(scores, rows), k)
    return values, tf.gather(rows, order, batch_dims=1)


def top_k_by_proximity(products: Tensor, squared_norms: Tensor, factors: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Finds the `k` highest proximities of a catalogue that is sorted by norm, with one pass over the products.

    Norms hardly differ within a block of rows, so the largest product of a block gives a tight bound of its proximities. The
    `2 k` blocks with the highest bounds are searched. If another bound exceeds the `k`-th best proximity found there, all
    proximities are computed.

    Args:
        products: Inner products of candidates with queries in the Klein model, `(n, batch)`, see `poincare.ordering`.
        squared_norms: `|y|^2` of the candidates, `(n, 1)`, ascending.
        factors: Conformal factors of the candidates, `(n, 1)`, ascending.
        k: Integer scalar in `[1, n]`.

    Returns:
        Scores and int32 rows, `(batch, k)` each, as `top_k`.
    """
    maxima = _block_maxima(products)
    blocks = tf.shape(maxima)[0]
    first, last = (slice(start, blocks * _BLOCK, _BLOCK) for start in (0, _BLOCK - 1))
    bounds = proximity_bound(maxima, squared_norms[first], factors[first], factors[last])
    limits, best = top_k(bounds, tf.minimum(2 * k, blocks))
    rows = _rows_of(best, products)
    near = proximity(_entries(products, rows), tf.gather(squared_norms[:, 0], rows), tf.gather(factors[:, 0], rows))
    values, order = tf.math.top_k(near, k)
    missed = tf.reduce_any(limits[:, -1] > values[:, -1]) & (tf.shape(best)[1] < blocks)
    return tf.cond(
        missed,
        lambda: top_k(proximity(products, squared_norms, factors), k),
        lambda: (values, tf.gather(rows, order, batch_dims=1)),
    )


def _block_maxima(scores: Tensor) -> Tensor:
    """The highest score of each whole block of rows, `(n, batch)` -> `(n // _BLOCK, batch)`."""
    blocks, batch = tf.shape(scores)[0] // _BLOCK, tf.shape(scores)[1]
    return tf.reduce_max(tf.reshape(scores[: blocks * _BLOCK], [blocks, _BLOCK, batch]), axis=1)


def _rows_of(blocks: Tensor, scores: Tensor) -> Tensor:
    """The rows, `(batch, rows)`, of blocks, `(batch, m)`, and always those after the last whole block."""
    batch, count, n = tf.shape(blocks)[0], tf.shape(blocks)[1], tf.shape(scores)[0]
    rows = tf.reshape(blocks[:, :, tf.newaxis] * _BLOCK + tf.range(_BLOCK), [batch, count * _BLOCK])
    rest = tf.range(n // _BLOCK * _BLOCK, n)
    return tf.concat([rows, tf.broadcast_to(rest, [batch, tf.size(rest)])], axis=1)


def _entries(scores: Tensor, rows: Tensor) -> Tensor:
    """`scores[rows[b, m], b]`, `(batch, m)`."""
    columns = tf.broadcast_to(tf.range(tf.shape(rows)[0])[:, tf.newaxis], tf.shape(rows))
    return tf.gather_nd(scores, tf.stack([rows, columns], axis=-1))
