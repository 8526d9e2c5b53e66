"""Item-based nearest neighbours, the oldest linear model."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hyperml_tf.data import Interactions
from rivals.seen_matrix import seen_matrix


class ItemKNN:
    """Scores an item by its similarities to the items of the user (Deshpande and Karypis 2004).

    The similarity of two items is the shrunk cosine of their columns of `X`, `n_ij / (sqrt(n_i n_j) + shrinkage)`, where `n_ij`
    is the number of users of both. Only the `k` nearest neighbours of an item count, with ties in the order of items.

    With a half-life, the items of a user are weighted by recency, as in the neighbourhood models of sessions (Ludewig and Jannach
    2018). Similarities are independent of the order.

    Args:
        seen: the binary matrix `X` of training interactions.
        k: the number of neighbours per item, at least 1.
        shrinkage: reduces similarities that are based on few users, >= 0.
        half_life: the weight of an item halves every `half_life` newer items of the user, > 0. Defaults to infinity: all items
            weigh the same.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, seen: sparse.csr_matrix, k: int, shrinkage: float, half_life: float = np.inf) -> None:
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        if not shrinkage >= 0:
            raise ValueError(f"`shrinkage` must be >= 0. Received: shrinkage={shrinkage}")
        if not half_life > 0:
            raise ValueError(f"`half_life` must be positive. Received: half_life={half_life}")
        self.seen = seen
        self.k, self.shrinkage, self.half_life = int(k), float(shrinkage), float(half_life)
        self.weights: sparse.csr_matrix | None = None

    @classmethod
    def from_interactions(cls, train: Interactions, **settings: Any) -> ItemKNN:
        """The model of a training table, not fitted yet."""
        return cls(seen_matrix(train), **settings)

    def fit(self, *_: Any, **__: Any) -> None:
        """Computes the similarities. Ignores the arguments of models that are trained in epochs."""
        together = (self.seen.T @ self.seen).tocsr()
        together.sort_indices()
        norms = np.sqrt(together.diagonal())
        rows = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
        values = together.data / (norms[rows] * norms[together.indices] + self.shrinkage)
        values[rows == together.indices] = 0.0
        # Row by row the best first, so that the position within a row says which are its k nearest.
        order = np.lexsort((together.indices, -values, rows))
        within = np.arange(len(order)) - together.indptr[rows]
        kept = order[(within < self.k) & (values[order] > 0)]
        # The neighbours of an item fill its column: they are what it is scored by.
        self.weights = sparse.csr_matrix((values[kept], (together.indices[kept], rows[kept])), shape=together.shape)

    def scorer(self, known: Interactions) -> Any:
        """A function from user codes, `(batch,)`, to scores of the catalogue, `(batch, n_items)`, given the histories."""
        items = seen_matrix(known, self.half_life)
        return lambda users: (items[users] @ self.weights).toarray()
