"""The rows of a table as a matrix, for linear models and factorizations."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from hyperml_tf.data import Interactions


def seen_matrix(rows: Interactions, half_life: float = np.inf) -> sparse.csr_matrix:
    """The matrix of a table, `(n_users, n_items)` float32.

    Args:
        rows: the table.
        half_life: the value of an item is 1 for the newest one of a user, and halves every `half_life` newer items. Defaults to
            infinity: all values are 1.
    """
    newer = np.cumsum(rows.activity())[rows.users] - 1 - np.arange(len(rows))
    values = np.exp2(-newer / half_life).astype(np.float32)
    matrix = sparse.csr_matrix((values, (rows.users, rows.items)), shape=(rows.n_users, rows.n_items))
    matrix.sort_indices()
    return matrix
