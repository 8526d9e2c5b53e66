"""How much the order of the rows of a user says about what comes next."""

from __future__ import annotations

import math

import numpy as np

# Enough pairs for a reliable answer, few enough for a moment's work.
_PAIRS = 1_000_000
# Standard errors by which one direction must exceed the other.
_SIGNIFICANT = 3.0


def direction(users: np.ndarray, items: np.ndarray, n_items: int, seed: int = 0) -> float:
    """Measures whether items follow each other in the same direction for different users.

    Of all pairs of consecutive rows of different users that have the same two items, it is the share that agree on which of
    the two comes first, minus the share that do not. It is positive if what users do next depends on what they did last: .46 to
    .65 on MovieLens-1M and three Amazon categories. It is about 0 if rows are in no particular order within a session or a day,
    as on MovieLens-100k and Amazon Clothing: neighbours may be related, but the item before says no more than the one after.

    Args:
        users: Sorted user codes, `(rows,)`.
        items: Item codes, from the oldest to the newest of each user, `(rows,)`.
        n_items: Integer, size of the catalogue.
        seed: Integer, the seed of the sample that is taken of large tables. Defaults to `0`.

    Returns:
        A number in `[-1, 1]`; 0 if the difference is within three standard errors of 0.

    Example:

    >>> users, items = np.repeat(np.arange(20), 3), np.tile([0, 1, 2], 20)
    >>> direction(users, items, n_items=3)
    1.0
    """
    return direction_of_pairs(*consecutive_pairs(users, items, _PAIRS, seed), n_items)


def consecutive_pairs(
    users: np.ndarray, items: np.ndarray, most: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the items of consecutive rows of a user, the earlier and the later ones, `(pairs,)` int64 each.

    Args:
        users: Sorted user codes, `(rows,)`.
        items: Item codes, from the oldest to the newest of each user, `(rows,)`.
        most: Optional integer, the size of the sample of more pairs. Defaults to `None`, all.
        seed: Integer, the seed of the sample. Defaults to `0`.
    """
    consecutive = np.flatnonzero(users[1:] == users[:-1])
    if most is not None and len(consecutive) > most:
        consecutive = np.random.default_rng(seed).choice(consecutive, most, replace=False)
    return items[consecutive].astype(np.int64), items[consecutive + 1].astype(np.int64)


def direction_of_pairs(first: np.ndarray, second: np.ndarray, n_items: int) -> float:
    """Returns what `direction` does, from the items of consecutive rows.

    Args:
        first: The earlier items, `(pairs,)`.
        second: The later items, `(pairs,)`.
        n_items: Integer, size of the catalogue.
    """
    pairs, counts = np.unique(first * n_items + second, return_counts=True)
    if not len(pairs):
        return 0.0
    reverse = pairs % n_items * n_items + pairs // n_items
    place = np.minimum(np.searchsorted(pairs, reverse), len(pairs) - 1)
    reversed_counts = np.where((pairs[place] == reverse) & (pairs != reverse), counts[place], 0)
    agree, differ = int((counts * (counts - 1)).sum()), int((counts * reversed_counts).sum())
    if agree + differ == 0 or abs(agree - differ) < _SIGNIFICANT * math.sqrt(agree + differ):
        return 0.0
    return (agree - differ) / (agree + differ)
