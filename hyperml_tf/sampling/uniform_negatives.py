"""Uniform negatives: each positive has its own, and known pairs among them are replaced by further draws."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling.hard_negatives import first_negatives
from hyperml_tf.tables import SeenItems

# Draws beyond those asked for, to take the place of known pairs. A user who has seen a third of the catalogue goes without the
# only negative once in 250 times; most never do.
_SPARE = 4


def uniform_negatives(
    queries: Tensor, n_candidates: int, negatives: int, seen: SeenItems, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """Draws candidates uniformly among those that the users have not interacted with.

    Args:
        queries: codes of the users, `(batch,)`.
        n_candidates: size of the catalogue.
        negatives: how many for each user, drawn independently.
        seen: the known pairs, which are no negatives.
        seed: two integers; the same seed gives the same draws.

    Returns:
        Candidate codes int32 and whether each is a negative (too many of the draws may be known pairs), both
        `(batch, negatives)`.

    Example:

    >>> seen = SeenItems(n_users=1, n_items=2)
    >>> seen.set([0], [0])
    >>> codes, found = uniform_negatives(tf.constant([0]), 2, 1, seen, tf.constant([0, 0]))
    >>> codes.numpy().tolist(), found.numpy().tolist()
    ([[1]], [[True]])
    """
    shape = [tf.shape(queries)[0], negatives + _SPARE]
    drawn = tf.random.stateless_uniform(shape, seed, 0, n_candidates, tf.int32)
    known = seen.contains(tf.broadcast_to(queries[:, tf.newaxis], shape), drawn)
    return first_negatives(drawn, known, negatives)
