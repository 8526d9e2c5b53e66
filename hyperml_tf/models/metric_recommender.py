"""Two towers of points, and all that follows from it: exact search by distance and similar items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ordering import pairwise_proximity
from hyperml_tf.layers import Curvature
from hyperml_tf.metrics.protocols import Scorer
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.exclusions import exclude_matrix, exclude_pairs
from hyperml_tf.retrieval.nearest import Index, nearest
from hyperml_tf.retrieval.results import Neighbours
from hyperml_tf.tables import SeenItems
from hyperml_tf.tables.ids import id_array

# Scores computed at once: 512 MiB of float32. Of a million items that is 128 users, for whom the catalogue is read once.
_SCORES = 2**27

Search = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""What is asked for and `k` -> indices of candidates and distances, as `retrieval.nearest`."""


class MetricRecommender(Recommender):
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
        super().__init__(query_tower.lookup, candidate_tower.lookup, seed, seen, **kwargs)
        self.query_tower, self.candidate_tower = query_tower, candidate_tower
        self.curvature = curvature

    def check_history(self) -> None:
        if self.query_tower.seen is not None and not len(self.seen):
            raise ValueError(
                "The users of this model are placed by what they have seen, and it has seen nothing: all would be at the origin. "
                "Call `set_seen` with the interactions, or `fit`; `history=0` makes a model whose users are free points."
            )

    def score_catalogue(self, users: Tensor) -> Tensor:
        # All points of the catalogue are computed for every batch of the validation sample, of which there are few.
        candidates = self.candidate_tower.points(tf.range(len(self.candidate_tower)))
        return pairwise_proximity(self.query_tower.points_or_origin(users), candidates, self.curvature())

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """The distances of pairs, `{"user_id": (batch,), "item_id": (batch,)}` -> `(batch,)`; unknown ids lie at the origin."""
        users, items = self.codes(inputs)
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

        Raises:
            ValueError: if `k` is below 1, or users are placed by what they have seen and nobody has seen anything.
        """
        index, c = self.exact_index()
        return self.search_users(users, k, lambda ids, k: self.nearest_to_users(ids, k, index, c, exclude_seen))

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """The `k` candidates nearest to each of some candidates, itself left out.

        Args:
            items: raw ids of the catalogue, `(batch,)`.
            k: how many, at least 1; clamped to the catalogue.

        Returns:
            `Neighbours`, as `recommend`.

        Raises:
            ValueError: if an id is unknown, or `k` is below 1.
        """
        index, c = self.exact_index()
        return self.search_items(items, k, lambda codes, k: self.nearest_to_items(codes, k, index, c))

    def exact_index(self) -> tuple[ExactIndex, Tensor]:
        """The catalogue as it stands now, ready to be searched, and its curvature."""
        c = tf.identity(self.curvature())
        return ExactIndex.of(self.candidate_tower.all_points(), c), c

    def nearest_to_users(
        self, ids: Tensor, k: Tensor, index: Index, c: Tensor, exclude_seen: bool
    ) -> tuple[Tensor, Tensor]:
        """Raw ids of users, `(batch,)` -> indices of candidates and distances, as `retrieval.nearest`; for graphs."""
        codes = self.query_lookup(ids)
        exclusion = exclude_pairs(*self.seen.histories.pairs(codes)) if exclude_seen else None
        return nearest(self.query_tower.points_or_origin(codes), index, c, k, exclusion)

    def nearest_to_items(self, codes: Tensor, k: Tensor, index: Index, c: Tensor) -> tuple[Tensor, Tensor]:
        """Codes of items, `(batch,)` -> indices of candidates and distances, as `retrieval.nearest`; for graphs."""
        return nearest(index.points(codes), index, c, k, exclude_matrix(codes[:, tf.newaxis]))

    def search_users(self, users: Any, k: int, search: Search) -> Neighbours:
        """Checks raw ids of users and searches for them, as many at a time as memory allows."""
        self.check_history()
        return self._search(id_array(users, "users"), k, search)

    def search_items(self, items: Any, k: int, search: Search) -> Neighbours:
        """Checks raw ids of items and searches for them, as many at a time as memory allows."""
        ids = id_array(items, "items")
        codes = self.candidate_lookup(ids).numpy()
        if (codes < 0).any():
            raise ValueError(f"`items` must be of the catalogue. Received unknown ids: {ids[codes < 0][:5].tolist()}")
        return self._search(codes, k, search)

    def _search(self, asked: np.ndarray, k: int, search: Search) -> Neighbours:
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        block = max(1, _SCORES // len(self.candidate_lookup))
        found = [
            search(tf.constant(part.tolist() if part.dtype.kind == "O" else part), tf.constant(k))
            for part in np.array_split(asked, range(block, len(asked), block))
        ]
        indices, distances = (np.concatenate([result[column].numpy() for result in found]) for column in (0, 1))
        return Neighbours(self.candidate_lookup.raw_array(indices), distances)

    def scorer(self) -> Scorer:
        """A function that scores the whole catalogue as it stands now, in float64 so that rounding decides no rank.

        Returns:
            `(batch,)` user codes -> `(batch, n)` float64.
        """
        c = tf.cast(self.curvature(), tf.float64)
        candidates = tf.cast(self.candidate_tower.all_points(), tf.float64)

        def score(users: np.ndarray) -> Tensor:
            queries = self.query_tower.points(tf.convert_to_tensor(users, tf.int32))
            return pairwise_proximity(tf.cast(queries, tf.float64), candidates, c)

        return score
