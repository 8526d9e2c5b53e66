"""Negative sampling for the sampled evaluation protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hyperml_tf._argument_checks import check_instance, count, random_seed
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.interactions import Interactions


@names_arguments
def sampled_negatives(interactions: Interactions, users: ArrayLike, n: int = 100, seed: int = 0) -> np.ndarray:
    """Samples negatives for evaluation: for each user, `n` items that the user has not interacted with.

    The sample is uniform, without replacement. Users who have fewer than `n` such items get all of them, and -1 for the rest,
    which ranks leave out.

    Args:
        interactions: the *whole* table, including the held-out rows.
        users: `(rows,)` user codes. A user may occur several times, and gets a new sample each time.
        n: the number of negatives per row, at least 1. Defaults to 100.
        seed: the seed of the sample. Equal arguments give equal samples. Defaults to 0.

    Returns:
        Item codes, `(rows, n)` int32; -1 where there are no more items.

    Raises:
        ValueError: if `n` is less than 1, a user code is out of range, or a user has interacted with every item.

    Reference:
        J. Bentley, R. W. Floyd, *Programming pearls: a sample of brilliance*, Communications of the ACM 30 (1987).

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "b", "b"], [10, 11, 12, 13])
    >>> np.sort(sampled_negatives(table, [0, 1], n=2)).tolist()
    [[2, 3], [0, 1]]
    """
    check_instance(Interactions, interactions=interactions)
    codes, n = np.asarray(users), count(n=n)
    if codes.ndim != 1 or codes.dtype.kind not in "iu":
        raise ValueError(
            f"`users` must be a vector of integer codes. Received: shape {codes.shape}, dtype {codes.dtype}"
        )
    codes = codes.astype(np.int64)
    if len(codes) and not 0 <= codes.min() <= codes.max() < interactions.n_users:
        raise ValueError(
            f"`users` must be codes of the {interactions.n_users} users. Received: {codes.min()} to {codes.max()}"
        )
    indptr, indices = interactions.csr()
    unseen = interactions.n_items - np.diff(indptr)[codes]
    if np.any(unseen == 0):
        user = codes[unseen == 0][0]
        raise ValueError(
            "`users` must not contain users who have interacted with every item: there are no negatives for them. "
            f"Received: {np.count_nonzero(unseen == 0)} such rows, the first of {interactions.user_ids[[user]].tolist()[0]!r}"
        )
    rng = np.random.default_rng(random_seed(seed=seed))
    ranks = _distinct(rng, unseen, n)
    items = _unseen_items(np.maximum(ranks, 0), codes, interactions.n_items, indptr, indices)
    return np.where(ranks < 0, np.int32(-1), items)


def _distinct(rng: np.random.Generator, sizes: np.ndarray, n: int) -> np.ndarray:
    """Samples `n` distinct integers below each size, `(rows, n)`, by Floyd's algorithm on all rows.

    Rows of a smaller size hold all integers below it, and -1.
    """
    drawn = np.empty((n, len(sizes)), np.int64)
    for step in range(n):
        # The bound `last + 1` grows by one per step, so `last` is new and replaces a number that was drawn before.
        last = sizes - n + step
        candidate = rng.integers(np.maximum(last, 0) + 1)
        repeated = (drawn[:step] == candidate).any(axis=0)
        drawn[step] = np.where(last < 0, -1, np.where(repeated, last, candidate))
    # Floyd's algorithm draws a uniform subset, but not in uniform order.
    return rng.permuted(drawn.T, axis=1)


def _unseen_items(
    ranks: np.ndarray, users: np.ndarray, n_items: int, indptr: np.ndarray, indices: np.ndarray
) -> np.ndarray:
    """Converts ranks among the items that the user has not seen into items, `(rows, n)` int32.

    If a user has seen the items s_0 < s_1 < ..., there are s_j - j unseen items below s_j. So the unseen item of rank r is r
    plus the number of j with s_j - j <= r. As s_j - j never decreases within a user, one binary search over the sorted keys
    of all users counts them.
    """
    counts = np.diff(indptr)
    owners = np.repeat(np.arange(len(counts)), counts)
    below = indices - (np.arange(len(indices)) - indptr[owners])
    wanted = users[:, None] * (n_items + 1) + ranks
    seen = np.searchsorted(owners * (n_items + 1) + below, wanted, side="right") - indptr[users][:, None]
    return (ranks + seen).astype(np.int32)
