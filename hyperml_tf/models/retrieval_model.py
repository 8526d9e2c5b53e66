"""Two towers of points, and all that follows from it: exact search by distance and similar items."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.layers import Curvature
from hyperml_tf.metrics.ranking import Scorer
from hyperml_tf.models import answers
from hyperml_tf.models.distance_index import DistanceIndex
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.ranking_model import RankingModel
from hyperml_tf.models.towers.id_lookup import IdLookup
from hyperml_tf.models.towers.seen_items import SeenItems
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.models.training import feed
from hyperml_tf.numerics import Tensor


class RetrievalModel(RankingModel):
    """Base class of models whose queries and candidates are points of one ball. A subclass says in `compute_loss` what to learn.

    Args:
        query_tower: raw ids of users to points.
        candidate_tower: raw ids of the catalogue to points of the same dimension.
        curvature: the curvature both towers have.
        seed: seed of everything random in training.
        seen: what the users have seen, if a tower reads it too.
        **kwargs: `name`, as for every Keras model.
    """

    def __init__(
        self,
        query_tower: Tower,
        candidate_tower: Tower,
        curvature: Curvature,
        seed: int = 0,
        seen: SeenItems | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, seen, **kwargs)
        self.query_tower, self.candidate_tower = query_tower, candidate_tower
        self.curvature = curvature

    @property
    def query_lookup(self) -> IdLookup:
        return self.query_tower.lookup

    @property
    def candidate_lookup(self) -> IdLookup:
        return self.candidate_tower.lookup

    def score_catalogue(self, users: Tensor) -> Tensor:
        c = self.curvature()
        # The whole catalogue is lifted for every batch of the validation sample, of which there are few.
        candidates = lorentz.lift(self.candidate_tower.points(tf.range(len(self.candidate_tower))), c)
        return search.similarity(self.query_tower.points_or_origin(users), candidates, c)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """The distances of pairs, `{"user_id": (batch,), "item_id": (batch,)}` -> `(batch,)`; unknown ids lie at the origin."""
        users, items = feed.codes(self, inputs)
        return poincare.distance(
            self.query_tower.points_or_origin(users), self.candidate_tower.points_or_origin(items), self.curvature()
        )

    def recommend(self, users: Any, k: int = 10, exclude_seen: bool = True) -> Neighbours:
        """The `k` nearest candidates of each user. To ask often, keep a `DistanceIndex`.

        Args:
            users: raw ids, `(batch,)`. An unknown user gets the neighbours of the origin, which are the popular, general items.
            k: how many, at least 1; clamped to the catalogue.
            exclude_seen: whether to leave out what the user has interacted with.

        Returns:
            `Neighbours`: ids `(batch, k)` and hyperbolic distances `(batch, k)`, ascending.
        """
        return DistanceIndex(self, compiled=False).recommend(users, k, exclude_seen)

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """The `k` candidates nearest to each of some candidates, itself left out.

        Raises:
            ValueError: if an id is unknown.
        """
        return DistanceIndex(self, compiled=False).similar_items(items, k)

    def scorer(self) -> Scorer:
        """A function that scores the whole catalogue as it stands now: `(batch,)` user codes -> `(batch, n)` float64."""
        return answers.scorer(self)
