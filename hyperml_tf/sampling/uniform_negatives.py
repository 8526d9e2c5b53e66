"""Uniform negatives, sampled for each positive; items of the history are replaced by further samples."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling.hard_negatives import first_negatives
from hyperml_tf.sampling.known_pairs import KnownPairs
from hyperml_tf.sampling.row_draws import uniform

# Samples beyond `negatives`, which replace items of the history. A user who has seen a third of the catalogue lacks a single
# negative in one of 250 cases; most users never do.
_SPARE = 4


@names_arguments
def uniform_negatives(
    queries: Tensor, n_candidates: int, negatives: int, seen: KnownPairs, seed: Tensor, places: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Samples candidates uniformly among those that the users have not interacted with.

    Args:
        queries: User codes, `(batch,)`.
        n_candidates: Integer, size of the catalogue.
        negatives: Integer >= 1, number of negatives per user, sampled independently.
        seen: A `SeenItems`, the histories, or other `KnownPairs`: their items are never negatives.
        seed: Two integers, the seed of random draws.
        places: Places of the users in the global batch, `(batch,)`. Defaults to `None`: they are the whole batch.

    Returns:
        Candidate codes, int32, and a mask of valid negatives (all samples may be in the history), `(batch, negatives)` each.

    Example:

    >>> from hyperml_tf.tables import SeenItems
    >>> seen = SeenItems(n_users=1, n_items=2)
    >>> seen.set([0], [0])
    >>> codes, found = uniform_negatives(tf.constant([0]), 2, 1, seen, tf.constant([0, 0]))
    >>> codes.numpy().tolist(), found.numpy().tolist()
    ([[1]], [[True]])
    """
    shape = [tf.size(queries), negatives + _SPARE]
    drawn = uniform(shape, seed, places, n_candidates, tf.int32)
    known = seen.contains(tf.broadcast_to(queries[:, tf.newaxis], shape), drawn)
    return first_negatives(drawn, known, negatives)
