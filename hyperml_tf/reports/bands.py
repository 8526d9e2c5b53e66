"""Thirds of items by popularity, and of users by activity."""

from __future__ import annotations

import numpy as np

ITEM_BANDS = ("head", "middle", "tail")
USER_BANDS = ("low", "middle", "high")


def item_bands(popularity: np.ndarray) -> np.ndarray:
    """Divides items so that each band has a third of the rows.

    Items are sorted by their number of rows, in descending order, with ties in the order of codes. The head has the first third
    of all rows, the middle the second and the tail the last; an item across a boundary belongs to the band in which it starts.
    Items without rows are in the tail.

    Args:
        popularity: Number of rows of each item, `(n_items,)`.

    Returns:
        The band of each item, a position in `ITEM_BANDS`, `(n_items,)`.

    Example:

    >>> item_bands(np.array([1, 4, 2, 0, 2])).tolist()
    [2, 0, 1, 2, 2]
    """
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order]) - popularity[order]
    bands = np.empty(len(popularity), int)
    # In integers, because a third of the rows is rarely exact in floating point.
    bands[order] = np.minimum(3 * before // max(1, int(popularity.sum())), 2)
    return bands


def user_bands(activity: np.ndarray) -> np.ndarray:
    """Divides users at the terciles of their number of rows. Those with equal numbers are in the same band.

    Args:
        activity: Number of rows of each user, `(users,)`.

    Returns:
        The band of each user, a position in `USER_BANDS`, `(users,)`.

    Example:

    >>> user_bands(np.array([5, 1, 1, 9, 2, 7])).tolist()
    [1, 0, 0, 2, 1, 2]
    """
    cuts = np.quantile(activity, (1 / 3, 2 / 3), method="inverted_cdf")
    return np.searchsorted(cuts, activity, side="left")
