"""Negatives of each positive's own: uniform draws, those among the query's own items replaced by further draws."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.models.towers.seen_items import SeenItems
from hyperml_tf.numerics import Tensor

# Draws beyond those asked for, to take the place of a query's own items. A query that has seen a third of the catalogue goes
# without its only negative once in 250 times; most never do.
_SPARE = 4


def uniform_negatives(
    queries: Tensor, n_candidates: int, negatives: int, seen: SeenItems, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """Draws candidates uniformly among those that are not the query's own.

    Args:
        queries: codes of the queries, `(batch,)`.
        n_candidates: size of the catalogue.
        negatives: how many for each query, each its own draw.
        seen: the pairs to reject.
        seed: two integers; the same seed gives the same draws.

    Returns:
        Candidate codes int32 and whether each is a negative (too many of the draws may be the query's own), both
        `(batch, negatives)`.
    """
    shape = [tf.shape(queries)[0], negatives + _SPARE]
    drawn = tf.random.stateless_uniform(shape, seed, 0, n_candidates, tf.int32)
    own = seen.contains(tf.broadcast_to(queries[:, tf.newaxis], shape), drawn)
    # Of equal values `top_k` takes the first: the order of the draws is kept.
    negative, first = tf.math.top_k(1 - tf.cast(own, tf.int32), negatives)
    return tf.gather(drawn, first, batch_dims=1), negative > 0
