"""Matrix factorizations of the library `implicit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hyperml_tf.data import Interactions
from rivals.seen_matrix import seen_matrix


class ImplicitModel:
    """A matrix factorization: the score of a user and an item is the product of their factors.

    Those of a user are computed from the items known of them with ALS, and are learned with BPR, which cannot use other items.

    It uses one thread, because the result of several threads differs from run to run.

    Args:
        model: a model of `implicit`.
        seen: the binary matrix of training interactions.
        folds_in: whether the factors of users are computed from the items known of them.
    """

    def __init__(self, model: Any, seen: sparse.csr_matrix, folds_in: bool) -> None:
        self.model, self.seen, self.folds_in = model, seen, folds_in

    @classmethod
    def als(cls, train: Interactions, dim: int, seed: int, **settings: Any) -> ImplicitModel:
        """Alternating least squares (Hu, Koren and Volinsky 2008). Settings: `regularization`, `alpha`, `iterations`."""
        from implicit.cpu.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(factors=dim, num_threads=1, random_state=seed, **settings)
        return cls(model, seen_matrix(train), folds_in=True)

    @classmethod
    def bpr(cls, train: Interactions, dim: int, seed: int, **settings: Any) -> ImplicitModel:
        """Bayesian personalized ranking (Rendle et al. 2009). Settings: `learning_rate`, `regularization`, `iterations`."""
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        model = BayesianPersonalizedRanking(factors=dim, num_threads=1, random_state=seed, **settings)
        return cls(model, seen_matrix(train), folds_in=False)

    def fit(self, *_: Any, **__: Any) -> None:
        """Trains the model. Ignores the arguments of models that are trained in epochs."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            self.model.fit(self.seen, show_progress=False)

    def scorer(self, known: Interactions) -> Any:
        """A function from user codes, `(batch,)`, to scores of the catalogue, `(batch, n_items)`, given the histories."""
        items = np.asarray(self.model.item_factors)
        if self.folds_in:
            rows = seen_matrix(known)
            return lambda codes: self.model.recalculate_user(np.asarray(codes), rows[codes]) @ items.T
        users = np.asarray(self.model.user_factors)
        return lambda codes: users[codes] @ items.T
