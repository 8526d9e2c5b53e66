"""The base class of baselines that score pairs of vectors and learn from uniform negatives."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.models.baselines.vector_tower import VectorTower
from hyperml_tf.models.batches import Places
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling import uniform_negatives


class PairwiseModel(Recommender):
    """Base class of pairwise ranking models. Subclasses must implement `score_rows`, `score_catalogue` and `pair_loss`.

    Unknown ids have the zero vector.

    Args:
        query_tower: A tower that maps raw user ids to vectors.
        candidate_tower: A tower that maps the raw ids of the catalogue to vectors.
        negatives: Integer >= 1, uniform negatives per positive, over which the loss is averaged.
        seed: Integer, random seed of the negatives. Defaults to `0`.
        **kwargs: Base model keyword arguments, such as `name`.
    """

    def __init__(
        self, query_tower: VectorTower, candidate_tower: VectorTower, negatives: int, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(query_tower.lookup, candidate_tower.lookup, seed, **kwargs)
        self.query_tower, self.candidate_tower = query_tower, candidate_tower
        self.negatives = int(negatives)

    def score_rows(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Scores `m` candidates per query. Subclasses must implement it.

        Args:
            queries: Vectors, `(batch, dim)`.
            candidates: Vectors, `(batch, m, ...)`.

        Returns:
            Scores, `(batch, m)`.
        """
        raise NotImplementedError("Subclasses must implement `score_rows`.")

    def pair_loss(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Computes the loss of each pair of a positive and a negative. Subclasses must implement it.

        Args:
            positive: Scores of the positives, `(batch, 1)`.
            negative: Scores of the negatives, `(batch, negatives)`.

        Returns:
            Losses, `(batch, negatives)`.
        """
        raise NotImplementedError("Subclasses must implement `pair_loss`.")

    def penalty(self, queries: Tensor, candidates: Tensor, weight: Tensor) -> Tensor | float:
        """Returns the regularization loss of a batch, by default 0.

        Args:
            queries: See `score_rows`.
            candidates: See `score_rows`.
            weight: Weights of the pairs, `(batch, negatives)`.
        """
        return 0.0

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        users, items = self.codes(inputs)
        drawn, found = uniform_negatives(
            users,
            len(self.candidate_tower),
            self.negatives,
            self.seen_in(inputs),
            self._seed(inputs, training),
            Places.of_positives(inputs),
        )
        queries = self.query_tower.points_or_origin(users, training)
        candidates = self.candidate_tower.points_or_origin(tf.concat([items[:, tf.newaxis], drawn], axis=1), training)
        scores = self.score_rows(queries, candidates)
        known = self.weights_of(inputs, users, items)
        weight = known[:, tf.newaxis] * tf.cast(found, tf.float32) / self.negatives
        loss = tf.reduce_sum(weight * self.pair_loss(scores[:, :1], scores[:, 1:]))
        return loss + self.penalty(queries, candidates, weight)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """Returns the scores of (user, item) pairs, `(batch,)`.

        Args:
            inputs: A dictionary with raw ids under `"user_id"` and `"item_id"`, `(batch,)` each.
            training: Not used.
        """
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
