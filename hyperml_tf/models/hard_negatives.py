"""Negatives for a batch of positives: a few uniform draws shared by a group, of which each positive takes its hardest."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.geometry import lorentz
from hyperml_tf.models.seen_items import SeenItems
from hyperml_tf.numerics import Tensor

# How many of the hardest draws are checked against the user's own items. Checking all of them costs a binary search each; with
# 4 a positive goes without a negative only when its 4 hardest draws are all its own.
_CHECKED = 4


class Draw(NamedTuple):
    """Uniform candidates of each group of positives."""

    codes: Tensor
    """Candidate codes, `(groups, negatives)`, int32."""
    group_size: int
    """Positives in a group; row `r` of the batch belongs to group `r // group_size`."""


def draw(batch: Tensor, n_candidates: int, negatives: int, group_size: int, seed: Tensor) -> Draw:
    """Draws candidates uniformly, `negatives` for every group of positives.

    Args:
        batch: number of positives, a scalar.
        n_candidates: size of the catalogue.
        negatives: draws a group.
        group_size: positives that share the draws of a group.
        seed: two integers; the same seed gives the same draws.
    """
    groups = (batch + group_size - 1) // group_size
    codes = tf.random.stateless_uniform([groups, negatives], seed, 0, n_candidates, tf.int32)
    return Draw(codes, group_size)


def hardest(
    drawn: Draw, queries: Tensor, query_codes: Tensor, candidates: Tensor, c: Tensor, seen: SeenItems
) -> tuple[Tensor, Tensor]:
    """The nearest drawn candidate of each positive that is not one of the query's own.

    One batched matrix product ranks a group's draws for all its positives. No gradient flows through the choice.

    Args:
        drawn: the draws, see `draw`.
        queries: points of the queries, `(batch, dim)`.
        query_codes: their codes, `(batch,)`.
        candidates: points of the drawn candidates, `(groups, negatives, dim)`.
        c: curvature, a scalar.
        seen: the pairs to reject.

    Returns:
        Position of the chosen draw in the flattened `(groups * negatives,)`, and whether there is one, both `(batch,)`.
    """
    groups, negatives, size = tf.shape(drawn.codes)[0], drawn.codes.shape[1], drawn.group_size
    batch = tf.shape(queries)[0]
    padded = tf.pad(tf.stop_gradient(queries), [[0, groups * size - batch], [0, 0]])
    scores = search.similarity(
        tf.reshape(padded, [groups, size, queries.shape[-1]]), lorentz.lift(tf.stop_gradient(candidates), c), c
    )
    checked = min(_CHECKED, negatives)
    _, order = tf.math.top_k(tf.reshape(scores, [groups * size, negatives])[:batch], checked)
    positions = order + (tf.range(batch) // size * negatives)[:, tf.newaxis]
    codes = tf.gather(tf.reshape(drawn.codes, [-1]), positions)
    own = seen.contains(tf.broadcast_to(query_codes[:, tf.newaxis], tf.shape(codes)), codes)
    first = tf.argmin(tf.cast(own, tf.int32), axis=1, output_type=tf.int32)
    found = tf.logical_not(tf.gather(own, first, batch_dims=1))
    return tf.gather(positions, first, batch_dims=1), found
