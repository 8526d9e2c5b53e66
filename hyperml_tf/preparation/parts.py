"""Which rows of a shard are trained on, and which are held out."""

from __future__ import annotations

import numpy as np

from hyperml_tf.data.splits import MINIMUM_ROWS
from hyperml_tf.preparation.shard_file import LATER, TEST, TRAIN, VALIDATION


def last_parts(counts: np.ndarray, n_items: int) -> np.ndarray:
    """Holds out the last two rows of each user, as `leave_one_out` does.

    Args:
        counts: the number of rows of each user, `(users,)`, each at least 1.
        n_items: the number of items. Users who have interacted with all of them are only trained on.

    Returns:
        The part of each row, int8, sorted by user.
    """
    parts = np.full(int(counts.sum()), TRAIN, np.int8)
    ends = np.cumsum(counts)[(counts >= MINIMUM_ROWS) & (counts < n_items)]
    parts[ends - 1], parts[ends - 2] = TEST, VALIDATION
    return parts


def time_parts(counts: np.ndarray, later: np.ndarray, n_items: int) -> np.ndarray:
    """Holds out all rows from a moment on, and the last row of each user before it, as `time_split` does.

    Args:
        counts: the number of rows of each user, `(users,)`, each at least 1.
        later: whether a row is from that moment on, `(rows,)`, sorted by user and then by time.
        n_items: the number of items. Users who have interacted with all of them are not evaluated.

    Returns:
        The part of each row, int8.
    """
    starts = np.cumsum(counts) - counts
    early = counts - (np.add.reduceat(later.astype(np.int64), starts) if len(counts) else np.zeros(0, np.int64))
    evaluated = counts < n_items
    parts = np.where(later, np.int8(LATER), np.int8(TRAIN)).astype(np.int8)
    parts[later & np.repeat(evaluated & (early > 0), counts)] = TEST
    parts[(starts + early - 1)[evaluated & (early >= MINIMUM_ROWS)]] = VALIDATION
    return parts
