"""The largest scores of a catalogue, found with as few passes over all scores as possible."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry.poincare.ordering import proximity, proximity_bound
from hyperml_tf.numerics import Tensor

# Rows whose maximum is found first, see `top_k`.
_BLOCK = 32


def top_k(scores: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """The `k` highest scores of each column, highest first, and their rows.

    The highest `k` lie in the `k` blocks of rows whose maxima are highest. Maxima cost one pass, in which several columns at once
    are compared, which a heap per query cannot do; only the numbers of those blocks are then put in order.

    Args:
        scores: `(n, batch)`.
        k: how many, a scalar in `[1, n]`.

    Returns:
        Scores and int32 rows, both `(batch, k)`.

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
    """`top_k` of the proximities of a catalogue that is sorted by norm, with one pass over the products.

    Within a block of rows norms hardly differ, so the largest product bounds the proximities of its block closely. Twice as many
    blocks are looked into as can hold one of the best. If a bound of the others is above the last of these, all are computed.

    Args:
        products: products of candidates with queries of the Klein model, `(n, batch)`, see `poincare.ordering`.
        squared_norms: `|y|^2` of the candidates, `(n, 1)`, ascending.
        factors: their conformal factors, `(n, 1)`, ascending.
        k: how many, a scalar in `[1, n]`.

    Returns:
        As `top_k`.
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
    """The rows of some blocks, `(batch, m)` -> `(batch, rows)`; those after the last whole block are always among them."""
    batch, count, n = tf.shape(blocks)[0], tf.shape(blocks)[1], tf.shape(scores)[0]
    rows = tf.reshape(blocks[:, :, tf.newaxis] * _BLOCK + tf.range(_BLOCK), [batch, count * _BLOCK])
    rest = tf.range(n // _BLOCK * _BLOCK, n)
    return tf.concat([rows, tf.broadcast_to(rest, [batch, tf.size(rest)])], axis=1)


def _entries(scores: Tensor, rows: Tensor) -> Tensor:
    """`scores[rows[b, m], b]`, `(batch, m)`."""
    columns = tf.broadcast_to(tf.range(tf.shape(rows)[0])[:, tf.newaxis], tf.shape(rows))
    return tf.gather_nd(scores, tf.stack([rows, columns], axis=-1))
