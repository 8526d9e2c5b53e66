"""The items a held-out item is ranked against in the sampled protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hyperml_tf.data.interactions import Interactions


def sampled_negatives(interactions: Interactions, users: ArrayLike, n: int = 100, seed: int = 0) -> np.ndarray:
    """Draws `n` items that each user never touched, uniformly and without repetition.

    A user with fewer than `n` such items draws them with repetition. There is no rejection: a number among the items a user has
    not touched is turned into the item itself by a binary search over those the user has.

    Args:
        interactions: the *whole* table, held-out rows included.
        users: `(rows,)` codes; a user that occurs twice draws twice.
        n: how many, > 0.
        seed: the same seed and arguments draw the same items.

    Returns:
        Item codes, `(rows, n)` int32.

    Raises:
        ValueError: if `n` is not positive, a code is out of range, or a user has touched every item.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "b", "b"], [10, 11, 12, 13])
    >>> np.sort(sampled_negatives(table, [0, 1], n=2)).tolist()
    [[2, 3], [0, 1]]
    """
    codes = np.asarray(users)
    if n < 1:
        raise ValueError(f"`n` must be positive. Received: n={n}")
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
            "`users` must have items they never touched: leave out those who have touched every item of the catalogue. "
            f"Received: {np.count_nonzero(unseen == 0)} such users, the first {interactions.user_ids[[user]].tolist()[0]!r}"
        )
    rng = np.random.default_rng(seed)
    return _unseen_items(_distinct(rng, unseen, n), codes, interactions.n_items, indptr, indices)


def _distinct(rng: np.random.Generator, sizes: np.ndarray, n: int) -> np.ndarray:
    """`n` numbers below each size, `(rows, n)`, all different where the size allows, by Floyd's algorithm on all rows."""
    drawn = np.empty((n, len(sizes)), np.int64)
    enough = sizes >= n
    for step in range(n):
        # Below the bound `last + 1`, which grows by one a step; a number already drawn is replaced by `last`, which is new.
        last = np.where(enough, sizes - n + step, sizes - 1)
        candidate = rng.integers(last + 1)
        repeated = enough & (drawn[:step] == candidate).any(axis=0)
        drawn[step] = np.where(repeated, last, candidate)
    # Floyd's subset is uniform, its order is not.
    return rng.permuted(drawn.T, axis=1)


def _unseen_items(
    ranks: np.ndarray, users: np.ndarray, n_items: int, indptr: np.ndarray, indices: np.ndarray
) -> np.ndarray:
    """The item with each rank among those the user has not touched, `(rows, n)` int32.

    With the touched items s_0 < s_1 < ..., there are s_j - j untouched ones below s_j. So the item of rank r is r plus the
    number of j with s_j - j <= r, which one search over all users finds, because s_j - j never decreases within a user.
    """
    counts = np.diff(indptr)
    owners = np.repeat(np.arange(len(counts)), counts)
    below = indices - (np.arange(len(indices)) - indptr[owners])
    wanted = users[:, None] * (n_items + 1) + ranks
    touched = np.searchsorted(owners * (n_items + 1) + below, wanted, side="right") - indptr[users][:, None]
    return (ranks + touched).astype(np.int32)
