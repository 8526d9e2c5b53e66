"""The training rows as a matrix, for linear models and factorizations."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from hyperml_tf.data import Interactions


def seen_matrix(train: Interactions) -> sparse.csr_matrix:
    """The binary matrix of a table, `(n_users, n_items)` float32."""
    indptr, indices = train.csr()
    values = np.ones(len(indices), np.float32)
    return sparse.csr_matrix((values, indices, indptr), shape=(train.n_users, train.n_items))
