"""Hard negatives: a few uniform draws shared by a group of positives, of which each positive takes the hardest."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf.geometry.poincare.measured import MeasuredPoints
from hyperml_tf.geometry.poincare.ordering import proximity, to_klein
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import SeenItems

# How many more of the hardest draws than are wanted are checked against what the user has seen. With 3, a positive misses a
# negative only when 4 of its hardest draws are known pairs.
_SPARE = 3


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
        negatives: draws per group.
        group_size: positives that share the draws of a group.
        seed: two integers; the same seed gives the same draws.
    """
    groups = (batch + group_size - 1) // group_size
    codes = tf.random.stateless_uniform([groups, negatives], seed, 0, n_candidates, tf.int32)
    return Draw(codes, group_size)


def hardest(
    drawn: Draw,
    queries: MeasuredPoints,
    query_codes: Tensor,
    candidates: MeasuredPoints,
    c: Tensor,
    seen: SeenItems,
    count: int = 1,
    shallow: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The nearest drawn candidates of each positive that its user has not interacted with.

    One batched matrix product orders the draws of a group for all its positives, see `geometry.poincare.ordering`. No gradient
    flows through the choice.

    The hardest of many draws are rivals for the top of a list, the hardest of few are what a positive must beat to be in its
    upper part at all. With `shallow` both are returned.

    Args:
        drawn: the draws, see `draw`.
        queries: the queries, measured points `(batch, dim)`.
        query_codes: their codes, `(batch,)`.
        candidates: the drawn candidates, measured points `(groups * negatives, dim)`.
        c: curvature, a scalar >= 0.
        seen: the known pairs, which are no negatives.
        count: how many to choose, at most the number of draws.
        shallow: where fewer than the draws, also the `count` hardest of the first so many are chosen; a draw may be among both.

    Returns:
        Positions of the chosen draws in the flattened `(groups * negatives,)`, and whether each is a negative (too many of the
        draws may be known pairs), both `(batch, count)`, or `(batch, 2 * count)` with `shallow`.
    """
    negatives, size = drawn.codes.shape[1], drawn.group_size
    batch = tf.size(query_codes)
    first_of_group = (tf.range(batch) // size * negatives)[:, tf.newaxis]
    if negatives <= count:
        # All are taken: there is nothing to rank.
        positions = first_of_group + tf.range(negatives)
        return positions, tf.logical_not(_known(positions, drawn, query_codes, seen))
    depths = [negatives] if shallow is None or shallow >= negatives else [negatives, shallow]
    nearest = _nearest(queries.detached(), candidates.detached(), c, drawn, depths, count + _SPARE)
    order = [part[:batch] for part in nearest]
    # One look into the hash table for both depths.
    positions = tf.concat(order, axis=1) + first_of_group
    known = _known(positions, drawn, query_codes, seen)
    widths = [part.shape[1] for part in order]
    chosen = [
        first_negatives(where, theirs, count)
        for where, theirs in zip(tf.split(positions, widths, axis=1), tf.split(known, widths, axis=1), strict=True)
    ]
    return tf.concat([where for where, _ in chosen], axis=1), tf.concat([found for _, found in chosen], axis=1)


def _known(positions: Tensor, drawn: Draw, query_codes: Tensor, seen: SeenItems) -> Tensor:
    """Whether the users have interacted with the draws at these positions, `(batch, m)`."""
    codes = tf.gather(tf.reshape(drawn.codes, [-1]), positions)
    return seen.contains(tf.broadcast_to(query_codes[:, tf.newaxis], tf.shape(codes)), codes)


def _nearest(
    queries: MeasuredPoints, candidates: MeasuredPoints, c: Tensor, drawn: Draw, depths: list[int], count: int
) -> list[Tensor]:
    """The `count` nearest among the first so many draws of each positive's group, nearest first, for every depth.

    Positions in the group, each `(groups * group_size, at most count)`: rows beyond the batch mean nothing.
    """
    groups, negatives, size = tf.shape(drawn.codes)[0], drawn.codes.shape[1], drawn.group_size
    missing = groups * size - tf.shape(queries.points)[0]
    vectors = tf.pad(to_klein(queries.points, c), [[0, missing], [0, 0]])
    pool = candidates.grouped(negatives)
    products = tf.matmul(tf.reshape(vectors, [-1, size, vectors.shape[-1]]), pool.points, transpose_b=True)
    across = [0, 2, 1]
    scores = proximity(products, tf.transpose(pool.squared_norm, across), tf.transpose(pool.conformal_factor(), across))
    scores = tf.reshape(scores, [-1, negatives])
    return [_largest(scores[:, :depth], min(count, depth)) for depth in depths]


def _largest(scores: Tensor, count: int) -> Tensor:
    """The columns of the `count` largest numbers of each row, `(rows, count)`; the first of equal ones first.

    `top_k` keeps a heap per row; for a handful of a hundred numbers it is faster to look for the largest that many times.
    """
    columns, chosen = tf.range(scores.shape[1]), []
    for _ in range(count):
        chosen.append(tf.math.top_k(scores, 1).indices)
        scores = tf.where(columns == chosen[-1], -float("inf"), scores)
    return tf.concat(chosen, axis=1)


def first_negatives(draws: Tensor, known: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first `count` draws of each row that are negatives.

    Args:
        draws: `(batch, m)`.
        known: whether each is a known pair, and so no negative, `(batch, m)`.
        count: how many, at most `m`.

    Returns:
        Draws, and whether each is a negative (there may be too few), both `(batch, count)`.
    """
    # Of equal values `top_k` takes the first: the order of the draws is kept.
    negative, first = tf.math.top_k(1 - tf.cast(known, tf.int32), count)
    return tf.gather(draws, first, batch_dims=1), negative > 0
