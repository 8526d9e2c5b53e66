"""Top-k selection with few passes over all scores."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry.poincare.ordering import proximity, proximity_bound
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.exclusions import Exclusion

# Columns per block, see `top_k`.
_BLOCK = 32
# If more than one block in this many would be searched, looking for them does not pay.
_FEW = 4


def top_k(scores: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Finds the `k` highest scores of each row, highest first, and their columns.

    The `k` highest scores are in the `k` blocks of columns with the highest maxima. Block maxima take one vectorized pass over
    the scores, unlike a heap per query; then only the scores of these blocks are sorted.

    Args:
        scores: Scores, `(batch, n)`.
        k: Integer scalar in `[1, n]`.

    Returns:
        Scores and int32 columns, `(batch, k)` each.

    Example:

    >>> scores, columns = top_k(tf.constant([[0.1, 0.9, 0.5]]), k=2)
    >>> columns.numpy().tolist()
    [[1, 2]]
    """
    blocks = _in_blocks(scores)
    _, best = tf.math.top_k(tf.reduce_max(blocks, axis=2), tf.minimum(k, tf.shape(blocks)[1]), sorted=False)
    rest = scores[:, tf.shape(blocks)[1] * _BLOCK :]
    near = tf.concat([_flat(tf.gather(blocks, best, batch_dims=1)), rest], axis=1)
    values, order = tf.math.top_k(near, k)
    return values, tf.gather(_columns_of(best, tf.shape(scores)[1]), order, batch_dims=1)


def top_k_by_proximity(
    products: Tensor, squared_norms: Tensor, factors: Tensor, k: Tensor, exclusion: Exclusion | None = None
) -> tuple[Tensor, Tensor]:
    """Finds the `k` highest proximities of a catalogue that is sorted by norm, with one pass over the products.

    Norms hardly differ within a block of candidates, so the largest product of a block gives a tight bound of its proximities.
    The blocks with the highest bounds are searched, half as many again as could hold the `k` best and what is excluded. If
    another bound exceeds the `k`-th best proximity found there, all proximities are computed, as they are where the catalogue has
    few blocks, or where most candidates are excluded.

    Args:
        products: Inner products of queries in the Klein model with candidates, `(batch, n)`, see `poincare.ordering`.
        squared_norms: `|y|^2` of the candidates, `(n,)`, ascending.
        factors: Conformal factors of the candidates, `(n,)`, ascending.
        k: Integer scalar in `[1, n]`.
        exclusion: Optional `Exclusion`, in the order of these candidates. Defaults to `None`, no exclusions.

    Returns:
        Scores and int32 columns, `(batch, k)` each, as `top_k`. Excluded candidates have the lowest number of the dtype, or less,
        as score.
    """

    def search_all() -> tuple[Tensor, Tensor]:
        scores = proximity(products, squared_norms, factors)
        return top_k(scores if exclusion is None else exclusion.apply(scores), k)

    is_small = products.shape[1] is not None and products.shape[1] < _BLOCK
    if is_small or (exclusion is not None and exclusion.kept is not None):
        return search_all()
    batch, n = tf.shape(products)[0], tf.shape(products)[1]
    wanted = k + k // 2 + (0 if exclusion is None else exclusion.most(batch))
    few = wanted * _FEW < n // _BLOCK

    def search_blocks() -> tuple[Tensor, Tensor, Tensor]:
        return _search_blocks(products, squared_norms, factors, k, wanted, exclusion)

    def skip() -> tuple[Tensor, Tensor, Tensor]:
        return tf.zeros([batch, k], products.dtype), tf.zeros([batch, k], tf.int32), tf.constant(False)

    values, columns, complete = tf.cond(few, search_blocks, skip)
    return tf.cond(complete, lambda: (values, columns), search_all)


def _search_blocks(
    products: Tensor, squared_norms: Tensor, factors: Tensor, k: Tensor, wanted: Tensor, exclusion: Exclusion | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The best candidates of the blocks with the highest bounds, and whether there can be no better ones elsewhere."""
    blocks = _in_blocks(products)
    count = tf.shape(blocks)[1]
    whole = count * _BLOCK
    norms, scales = (tf.reshape(part[:whole], [count, _BLOCK]) for part in (squared_norms, factors))
    bounds = proximity_bound(tf.reduce_max(blocks, axis=2), norms[:, 0], scales[:, 0], scales[:, -1])
    limits, best = tf.math.top_k(bounds, tf.minimum(wanted + 1, count))
    best = best[:, :-1]
    near = proximity(tf.gather(blocks, best, batch_dims=1), tf.gather(norms, best), tf.gather(scales, best))
    near = tf.concat([_flat(near), proximity(products[:, whole:], squared_norms[whole:], factors[whole:])], axis=1)
    if exclusion is not None:
        near = exclusion._replace(candidates=_found_in(exclusion, best, whole)).apply(near)
    values, order = tf.math.top_k(near, k)
    # Not `<=` of the opposite: a bound that is no number proves nothing.
    complete = tf.reduce_all(limits[:, -1] <= values[:, -1])
    return values, tf.gather(_columns_of(best, tf.shape(products)[1]), order, batch_dims=1), complete


def _found_in(exclusion: Exclusion, blocks: Tensor, whole: Tensor) -> Tensor:
    """The position of excluded candidates among those of some blocks, `(batch, m)`, and of the rest; -1 if they are not there."""
    of_query = tf.gather(blocks, exclusion.queries) == (exclusion.candidates // _BLOCK)[:, tf.newaxis]
    position = tf.argmax(of_query, axis=1, output_type=tf.int32) * _BLOCK + exclusion.candidates % _BLOCK
    position = tf.where(tf.reduce_any(of_query, axis=1), position, -1)
    after = exclusion.candidates - whole
    return tf.where(after < 0, position, tf.shape(blocks)[1] * _BLOCK + after)


def _in_blocks(scores: Tensor) -> Tensor:
    """The scores of whole blocks of columns, `(batch, n)` -> `(batch, n // _BLOCK, _BLOCK)`."""
    batch, blocks = tf.shape(scores)[0], tf.shape(scores)[1] // _BLOCK
    return tf.reshape(scores[:, : blocks * _BLOCK], [batch, blocks, _BLOCK])


def _flat(blocks: Tensor) -> Tensor:
    return tf.reshape(blocks, [tf.shape(blocks)[0], tf.shape(blocks)[1] * _BLOCK])


def _columns_of(blocks: Tensor, n: Tensor) -> Tensor:
    """The columns of blocks, `(batch, m)`, and always those after the last whole block."""
    columns = _flat(blocks[:, :, tf.newaxis] * _BLOCK + tf.range(_BLOCK))
    rest = tf.range(n // _BLOCK * _BLOCK, n)
    return tf.concat([columns, tf.broadcast_to(rest, [tf.shape(blocks)[0], tf.size(rest)])], axis=1)
