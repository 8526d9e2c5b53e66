"""What the baselines without a distance share: one vector per id, and positives compared with uniform negatives."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.models.baselines.vector_tower import VectorTower
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling import uniform_negatives


class PairwiseModel(Recommender):
    """Base class: a subclass says how vectors are scored (`score_rows`, `score_catalogue`) and compared (`pair_loss`).

    An unknown id has the zero vector.

    Args:
        query_tower: raw ids of users to vectors.
        candidate_tower: raw ids of the catalogue to vectors.
        negatives: uniform negatives per positive; the loss is averaged over them.
        seed: seed of the negatives.
        **kwargs: `name`, as for every Keras model.
    """

    def __init__(
        self, query_tower: VectorTower, candidate_tower: VectorTower, negatives: int, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(query_tower.lookup, candidate_tower.lookup, seed, **kwargs)
        self.query_tower, self.candidate_tower = query_tower, candidate_tower
        self.negatives = int(negatives)

    def score_rows(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Vectors of queries `(batch, dim)` and of candidates of each, `(batch, m, ...)` -> scores, `(batch, m)`."""
        raise NotImplementedError("A model says how it scores.")

    def pair_loss(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Scores of positives `(batch, 1)` and negatives `(batch, negatives)` -> losses, `(batch, negatives)`."""
        raise NotImplementedError("A model says how it compares.")

    def penalty(self, queries: Tensor, candidates: Tensor, weight: Tensor) -> Tensor | float:
        """What is added to the loss of a batch: arguments of `score_rows` and the weights of the pairs `(batch, negatives)`."""
        return 0.0

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        users, items = self.codes(inputs)
        drawn, found = uniform_negatives(
            users, len(self.candidate_tower), self.negatives, self.seen, self._seed(training)
        )
        queries = self.query_tower.points_or_origin(users, training)
        candidates = self.candidate_tower.points_or_origin(tf.concat([items[:, tf.newaxis], drawn], axis=1), training)
        scores = self.score_rows(queries, candidates)
        known = tf.cast((users >= 0) & (items >= 0), tf.float32)
        weight = known[:, tf.newaxis] * tf.cast(found, tf.float32) / self.negatives
        loss = tf.reduce_sum(weight * self.pair_loss(scores[:, :1], scores[:, 1:]))
        return loss + self.penalty(queries, candidates, weight)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """The scores of pairs, `{"user_id": (batch,), "item_id": (batch,)}` -> `(batch,)`."""
        users, items = self.codes(inputs)
        candidates = self.candidate_tower.points_or_origin(items[:, tf.newaxis])
        return self.score_rows(self.query_tower.points_or_origin(users), candidates)[:, 0]

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "query_ids": len(self.query_tower),
            "candidate_ids": len(self.candidate_tower),
            "negatives": self.negatives,
            "seed": self.seed,
        }
