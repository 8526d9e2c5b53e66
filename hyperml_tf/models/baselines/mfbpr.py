"""Matrix factorization with the Bayesian personalized ranking loss."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_not_negative, check_positive
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.models.baselines.pairwise_model import PairwiseModel
from hyperml_tf.models.baselines.vector_tower import VectorTower
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class MFBPR(PairwiseModel):
    """Matrix factorization with the Bayesian personalized ranking loss (MF-BPR).

    With the score `s_ui = <p_u, q_i> + b_i`, it minimises, over positives `(u, i)` and uniform negatives `j`,

        sum -log sigmoid(s_ui - s_uj)  +  regularization / 2 * sum (|p_u|^2 + |q_i|^2 + b_i^2 + |q_j|^2 + b_j^2)

    Only the rows of the batch are regularized, in proportion to their frequency.

    Unknown users have the zero vector, so their recommendations are the items with the largest biases, the popular ones.

    Args:
        query_ids: The known users, distinct strings or integers, or their number, see `HyperML`.
        candidate_ids: The catalogue, likewise.
        dim: Integer >= 1, dimension of the vectors. Defaults to `64`.
        regularization: Float >= 0, strength of the L2 regularization. Defaults to `0.01`.
        negatives: Integer >= 1, uniform negatives per positive, over which the loss is averaged. Defaults to `1`.
        initial_stddev: Float > 0, standard deviation of the initial coordinates and biases. Defaults to `0.01`.
        seed: Integer, random seed of the initial vectors and of the negatives. Defaults to `0`.
        **kwargs: Base model keyword arguments, such as `name`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        - [Rendle et al., BPR: Bayesian personalized ranking from implicit feedback, 2009](https://arxiv.org/abs/1205.2618)

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = MFBPR.from_interactions(table, dim=8)
    >>> model.compile()
    >>> history = model.fit(table, epochs=2, verbose=0)
    >>> model.recommend(["u1"], k=1).ids.tolist()
    [['c']]
    """

    def __init__(
        self,
        query_ids: Any,
        candidate_ids: Any,
        dim: int = 64,
        regularization: float = 0.01,
        negatives: int = 1,
        initial_stddev: float = 0.01,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        check_positive(dim=dim, negatives=negatives, initial_stddev=initial_stddev)
        check_not_negative(regularization=regularization)
        super().__init__(
            VectorTower.of("query", query_ids, int(dim), initial_stddev, seed),
            # The bias is the last coordinate, so that there is one row to look up and to update.
            VectorTower.of("candidate", candidate_ids, int(dim) + 1, initial_stddev, seed),
            negatives,
            seed,
            **kwargs,
        )
        self.dim = int(dim)
        self.regularization, self.initial_stddev = float(regularization), float(initial_stddev)

    def score_rows(self, queries: Tensor, candidates: Tensor) -> Tensor:
        vectors, biases = candidates[..., : self.dim], candidates[..., self.dim]
        return tf.linalg.matvec(vectors, queries) + biases

    def score_catalogue(self, users: Tensor) -> Tensor:
        candidates = self.candidate_tower.all_points()
        vectors, biases = candidates[:, : self.dim], candidates[:, self.dim]
        return tf.matmul(self.query_tower.points_or_origin(users), vectors, transpose_b=True) + biases

    def pair_loss(self, positive: Tensor, negative: Tensor) -> Tensor:
        return tf.nn.softplus(negative - positive)

    def penalty(self, queries: Tensor, candidates: Tensor, weight: Tensor) -> Tensor | float:
        if self.regularization == 0:
            return 0.0
        squares = tf.reduce_sum(tf.square(candidates), axis=-1)
        squares = tf.reduce_sum(tf.square(queries), axis=-1, keepdims=True) + squares[:, :1] + squares[:, 1:]
        return 0.5 * self.regularization * tf.reduce_sum(weight * squares)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dim": self.dim,
            "regularization": self.regularization,
            "initial_stddev": self.initial_stddev,
        }
