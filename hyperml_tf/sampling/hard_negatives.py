"""Hard negatives: the nearest of several uniform candidates, which groups of positives share."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.geometry.poincare.measured import MeasuredPoints
from hyperml_tf.geometry.poincare.ordering import proximity, to_klein
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling.known_pairs import KnownPairs
from hyperml_tf.sampling.row_draws import uniform

# Number of candidates beyond `count` that are checked against the history of the user. With 3, a positive lacks a negative only
# if the 4 nearest candidates are all in the history.
_SPARE = 3


@names_arguments
class Draw(NamedTuple):
    """Uniformly sampled candidates of groups of positives, made by `draw`.

    Attributes:
        codes: Candidate codes, `(groups, negatives)`, int32.
        group_size: Integer, number of positives per group.
        slots: Where each positive is among all places of the groups, `(batch,)`, int32: in group `slots // group_size`. Defaults
            to `None`, which is `(0, 1, 2, ...)`.

    Example:

    >>> Draw(tf.constant([[3, 1], [0, 2]]), group_size=16).codes.shape
    TensorShape([2, 2])
    """

    codes: Tensor
    group_size: int
    slots: Tensor | None = None

    def groups(self, batch: Tensor) -> Tensor:
        """Returns the group of each of `batch` positives, `(batch,)`, int32."""
        return (tf.range(batch) if self.slots is None else self.slots) // self.group_size

    def in_groups(self, values: Tensor, padding: float = 0.0) -> Tensor:
        """Returns the values of positives, `(batch, dim)`, by group, `(groups, group_size, dim)`, with padding where is none."""
        batch, dim = tf.shape(values)[0], values.shape[-1]
        places = tf.shape(self.codes)[0] * self.group_size
        if self.slots is None:
            slots = tf.pad(values, [[0, places - batch], [0, 0]], constant_values=padding)
        else:
            slots = tf.fill([places, dim], tf.constant(padding, values.dtype))
            slots = tf.tensor_scatter_nd_update(slots, self.slots[:, tf.newaxis], values)
        return tf.reshape(slots, [-1, self.group_size, dim])

    def of_positives(self, values: Tensor, batch: Tensor) -> Tensor:
        """Returns the values of `batch` positives, `(batch, m)`, from those by group, `(groups, group_size, m)`."""
        slots = tf.reshape(values, [-1, values.shape[-1]])
        return slots[:batch] if self.slots is None else tf.gather(slots, self.slots)


@names_arguments
def draw(
    batch: Tensor, n_candidates: int, negatives: int, group_size: int, seed: Tensor, places: Tensor | None = None
) -> Draw:
    """Samples candidates uniformly for groups of positives.

    Args:
        batch: Integer scalar, number of positives.
        n_candidates: Integer, size of the catalogue.
        negatives: Integer, number of candidates per group.
        group_size: Integer, number of positives per group.
        seed: Two integers, the seed of random draws.
        places: Places of the positives in the global batch, `(batch,)`, distinct integers, of which consecutive ones share a
            group. A replica of `tf.distribute` has a part of them. Defaults to `None`, `(0, 1, 2, ...)`.

    Returns:
        A `Draw`.

    Example:

    >>> draw(batch=100, n_candidates=1000, negatives=20, group_size=32, seed=[0, 0]).codes.shape
    TensorShape([4, 20])
    """
    if places is None:
        groups = (batch + group_size - 1) // group_size
        return Draw(uniform([groups, negatives], seed, None, n_candidates, tf.int32), group_size)
    # A group may have positives on several replicas, which then draw the same candidates for it.
    groups, found = tf.unique(places // group_size)
    codes = uniform([tf.size(groups), negatives], seed, groups, n_candidates, tf.int32)
    return Draw(codes, group_size, found * group_size + places % group_size)


@names_arguments
def hardest(
    drawn: Draw,
    queries: MeasuredPoints,
    query_codes: Tensor,
    candidates: MeasuredPoints,
    c: Tensor,
    seen: KnownPairs,
    count: int = 1,
    shallow: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Selects the hardest negatives of each positive: the nearest candidates that its user has not interacted with.

    One batched matrix product ranks the candidates of a group for all its positives, see `geometry.poincare.ordering`. There is
    no gradient through the selection.

    The hardest of many candidates compete for the top of the ranking; the hardest of a few only for its upper part. With
    `shallow`, both are returned.

    Args:
        drawn: A `Draw`, see `draw`.
        queries: Measured points of the queries, `(batch, dim)`.
        query_codes: Codes of the queries, `(batch,)`.
        candidates: Measured points of the sampled candidates, `(groups * negatives, dim)`.
        c: Scalar >= 0, curvature.
        seen: A `SeenItems`, the histories, or other `KnownPairs`: their items are never negatives.
        count: Integer >= 1, number of negatives, at most the number of candidates. Defaults to `1`.
        shallow: Optional integer. If less than the number of candidates, the `count` hardest of the first `shallow` candidates
            are selected, too; they may overlap with the others. Defaults to `None`.

    Returns:
        Positions of the negatives in the flattened candidates, and a mask of valid negatives (all candidates may be in the
        history), `(batch, count)` each, or `(batch, 2 * count)` with `shallow`.

    Example:

    >>> from hyperml_tf.geometry.poincare.measured import measure
    >>> from hyperml_tf.tables import SeenItems
    >>> c, seen = tf.constant(1.0), SeenItems(n_users=1, n_items=3)
    >>> seen.set([0], [0])
    >>> points = tf.constant([[0.5, 0.0], [0.4, 0.0], [-0.5, 0.0]])
    >>> drawn = Draw(tf.constant([[0, 1, 2]]), group_size=1)
    >>> user = measure(tf.constant([[0.5, 0.1]]), c)
    >>> positions, found = hardest(drawn, user, tf.constant([0]), measure(points, c), c, seen)
    >>> positions.numpy().tolist(), found.numpy().tolist()
    ([[1]], [[True]])
    """
    negatives, batch = drawn.codes.shape[1], tf.size(query_codes)
    first_of_group = (drawn.groups(batch) * negatives)[:, tf.newaxis]
    if negatives <= count:
        # All candidates are taken, so there is nothing to rank.
        positions = first_of_group + tf.range(negatives)
        return positions, tf.logical_not(_known(positions, drawn, query_codes, seen))
    depths = [negatives] if shallow is None or shallow >= negatives else [negatives, shallow]
    nearest = _nearest(queries.detached(), candidates.detached(), c, drawn, depths, count + _SPARE)
    # One hash table lookup for both depths.
    positions = tf.concat(nearest, axis=1) + first_of_group
    known = _known(positions, drawn, query_codes, seen)
    widths = [part.shape[1] for part in nearest]
    chosen = [
        first_negatives(where, theirs, count)
        for where, theirs in zip(tf.split(positions, widths, axis=1), tf.split(known, widths, axis=1), strict=True)
    ]
    return tf.concat([where for where, _ in chosen], axis=1), tf.concat([found for _, found in chosen], axis=1)


def _known(positions: Tensor, drawn: Draw, query_codes: Tensor, seen: KnownPairs) -> Tensor:
    """Whether the users have interacted with the candidates at these positions, `(batch, m)`."""
    codes = tf.gather(tf.reshape(drawn.codes, [-1]), positions)
    return seen.contains(tf.broadcast_to(query_codes[:, tf.newaxis], tf.shape(codes)), codes)


def _nearest(
    queries: MeasuredPoints, candidates: MeasuredPoints, c: Tensor, drawn: Draw, depths: list[int], count: int
) -> list[Tensor]:
    """For every depth, the `count` nearest among the first `depth` candidates of each positive's group, nearest first.

    Returns positions in the group, `(batch, at most count)` for each depth.
    """
    pool = candidates.grouped(drawn.codes.shape[1])
    products = tf.matmul(drawn.in_groups(to_klein(queries.points, c)), pool.points, transpose_b=True)
    across = [0, 2, 1]
    scores = proximity(products, tf.transpose(pool.squared_norm, across), tf.transpose(pool.conformal_factor(), across))
    scores = drawn.of_positives(scores, tf.shape(queries.points)[0])
    return [_largest(scores[:, :depth], min(count, depth)) for depth in depths]


def _largest(scores: Tensor, count: int) -> Tensor:
    """The columns of the `count` largest numbers of each row, `(rows, count)`; ties in their order.

    For a few of about a hundred numbers, repeated searches for the largest are faster than the heap per row of `top_k`.
    """
    columns, chosen = tf.range(scores.shape[1]), []
    for _ in range(count):
        chosen.append(tf.math.top_k(scores, 1).indices)
        scores = tf.where(columns == chosen[-1], -float("inf"), scores)
    return tf.concat(chosen, axis=1)


def first_negatives(draws: Tensor, known: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Selects the first `count` candidates of each row that are negatives.

    Args:
        draws: Candidates, `(batch, m)`.
        known: Whether each candidate is in the history of the user, `(batch, m)`.
        count: Integer, number of negatives, at most `m`.

    Returns:
        Candidates and a mask of valid negatives, `(batch, count)` each.
    """
    # Among ties, `top_k` takes the first, so the order of the candidates is kept.
    negative, first = tf.math.top_k(1 - tf.cast(known, tf.int32), count)
    return tf.gather(draws, first, batch_dims=1), negative > 0
