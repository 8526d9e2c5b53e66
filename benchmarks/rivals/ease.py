"""EASE, a linear model that is strong in full ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, sparse

from hyperml_tf.data import Interactions
from rivals.seen_matrix import seen_matrix


class EASE:
    """A linear item-to-item model in closed form (Steck 2019, "Embarrassingly shallow autoencoders for sparse data").

    With `X` the binary matrix of training interactions, the weights minimise `|X - X B|^2 + l2 |B|^2` subject to
    `diag(B) = 0`: `B = I - P diag(1 / diag(P))` with `P = (X'X + l2 I)^-1`. A user with the items `x` scores `x @ B`.

    The symmetric inverse with `n_items` rows is computed in place in float32. It takes `4 n_items^2` bytes, which limits the
    model to a few ten thousand items.

    Args:
        seen: the matrix `X`.
        l2: the regularization, positive.

    Raises:
        ValueError: if `l2` is not positive.
    """

    def __init__(self, seen: sparse.csr_matrix, l2: float) -> None:
        if not l2 > 0:
            raise ValueError(f"`l2` must be positive. Received: l2={l2}")
        self.seen = seen
        self.l2 = l2
        self.weights: np.ndarray | None = None

    @classmethod
    def from_interactions(cls, train: Interactions, l2: float) -> EASE:
        """The model of a training table, not fitted yet."""
        return cls(seen_matrix(train), l2)

    def fit(self, *_: Any, **__: Any) -> None:
        """Computes the weights. Ignores the arguments of models that are trained in epochs."""
        gram = (self.seen.T @ self.seen).toarray(order="F")
        gram[np.diag_indices_from(gram)] += np.float32(self.l2)
        factor, failed = linalg.lapack.spotrf(gram, lower=1, overwrite_a=1)
        if failed:
            raise ValueError(f"`l2` is too small for float32: X'X + l2 I is not positive. Received: l2={self.l2}")
        inverse, _ = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
        _mirror_lower(inverse)
        # LAPACK's order of memory is the wrong one for a product from the left; of a symmetric matrix the transpose is it.
        weights = inverse.T
        weights /= -np.diag(weights).copy()
        np.fill_diagonal(weights, 0.0)
        self.weights = weights

    def scorer(self, known: Interactions) -> Any:
        """A function from user codes, `(batch,)`, to scores of the catalogue, `(batch, n_items)`, given the histories."""
        items = seen_matrix(known)
        return lambda users: np.asarray(items[users] @ self.weights)


def _mirror_lower(matrix: np.ndarray, block: int = 2048) -> None:
    """Copies the lower triangle of a square matrix to the upper one, block by block to need no second matrix."""
    size = len(matrix)
    for start in range(0, size, block):
        stop = min(start + block, size)
        corner = matrix[start:stop, start:stop]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
        matrix[start:stop, stop:] = matrix[stop:, start:stop].T
