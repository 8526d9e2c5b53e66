"""The base class of two-tower models in one ball: exact retrieval by distance, and similar items."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import check_instance, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions
from hyperml_tf.data.pipelines import Progress
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ordering import pairwise_proximity
from hyperml_tf.layers import Curvature
from hyperml_tf.metrics.protocols import Scorer
from hyperml_tf.models.explanations import Explanation, strongest
from hyperml_tf.models.filters import Filters
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.among import nearest_among
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.exclusions import exclude_all, exclude_matrix, exclude_pairs, matrix_pairs, without_pairs
from hyperml_tf.retrieval.nearest import Index, nearest
from hyperml_tf.retrieval.results import Neighbours
from hyperml_tf.tables import SeenItems
from hyperml_tf.tables.ids import id_array

# Scores in memory at a time: 128 MiB of float32, which is 32 users if there are a million items.
_SCORES = 2**25

Search = Callable[..., tuple[Tensor, Tensor]]
"""A function of queries, `k` and the filters that are given, by name, that returns indices of candidates and distances, as
`retrieval.nearest` does."""


_ALL = Filters()


@names_arguments
class MetricRecommender(Recommender):
    """Base class of two-tower models whose queries and candidates are points of the same Poincaré ball.

    Candidates are ranked by their hyperbolic distance from the query; at curvature 0 that is `2 |x - y|`. Subclasses must
    implement `compute_loss` and `get_config`.

    Args:
        query_tower: A tower that maps raw user ids to points.
        candidate_tower: A tower that maps the raw ids of the catalogue to points of the same dimension.
        curvature: The `Curvature` that both towers share.
        seed: Integer, random seed of training. Defaults to `0`.
        seen: A `SeenItems` to share with a tower that reads the histories, too. Defaults to `None`, a new one.
        **kwargs: Base model keyword arguments, such as `name`.

    Example:

    >>> from hyperml_tf import HyperML
    >>> model = HyperML(["u1"], ["a", "b", "c"], dim=4, history=0)
    >>> isinstance(model, MetricRecommender)
    True
    >>> model.similar_items(["a"], k=2).distances.shape
    (1, 2)
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
        check_instance(Tower, query_tower=query_tower, candidate_tower=candidate_tower)
        super().__init__(query_tower.lookup, candidate_tower.lookup, seed, seen, **kwargs)
        self.query_tower, self.candidate_tower = query_tower, candidate_tower
        self.curvature = curvature

    def check_history(self) -> None:
        if self.query_tower.seen is not None and not len(self.seen):
            raise ValueError(
                "The users of this model are represented by their histories, but it has seen nothing: all users would be at the "
                "origin. Call `fit` or `set_seen` with interactions, or make the model with `history=0`. "
                "Received: no interactions"
            )

    def training_batches(
        self, rows: Interactions, batch_size: int, progress: Progress | None = None
    ) -> tf.data.Dataset:
        progress = self.batches.read_value if progress is None else progress
        return self.query_tower.training_batches(rows, batch_size, seed=self.seed, progress=progress)

    @property
    def window_options(self) -> dict[str, Any]:
        return self.query_tower.window_options

    def score_catalogue(self, users: Tensor) -> Tensor:
        # The points of the catalogue are recomputed for each validation batch, of which there are only a few.
        candidates = self.candidate_tower.points(tf.range(len(self.candidate_tower)))
        return pairwise_proximity(self.query_tower.points_or_origin(users), candidates, self.curvature())

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """Returns the distances of (user, item) pairs, `(batch,)`.

        Args:
            inputs: A dictionary with raw ids under `"user_id"` and `"item_id"`, `(batch,)` each. Unknown ids are mapped to the
                origin.
            training: Not used.
        """
        users, items = self.codes(inputs)
        return poincare.distance(
            self.query_tower.points_or_origin(users), self.candidate_tower.points_or_origin(items), self.curvature()
        )

    def recommend(
        self, users: Any, k: int = 10, exclude_seen: bool = True, include: Any = None, exclude: Any = None
    ) -> Neighbours:
        """Recommends the `k` nearest candidates to each user. For many queries, keep a `DistanceIndex`.

        Args:
            users: Raw user ids, `(batch,)`. Unknown users are at the origin, where the popular, general items are.
            k: Integer >= 1, the number of recommendations, at most the size of the catalogue. Defaults to `10`.
            exclude_seen: Boolean, whether to exclude the items of the user's history. Defaults to `True`.
            include: The only items that may be recommended: raw ids, as one list for all users, or a list for each user; rows
                of a matrix may be padded with ids that are not of the catalogue. Unknown ids are ignored. Defaults to `None`,
                all items.
            exclude: Raw ids of items that are not recommended, likewise. Defaults to `None`, none.

        Returns:
            `Neighbours`: ids `(batch, k)` and hyperbolic distances `(batch, k)`, ascending. If fewer than `k` items are left, the
            others are `""`, or -1 for integer ids, at infinite distance.

        Raises:
            ValueError: If `k` is below 1, if users are represented by their histories and all of these are empty, or if
                `include` or `exclude` is not lists of ids, of the type of those of the catalogue.
        """
        index, c = self.exact_index()
        search = functools.partial(self.nearest_to_users, index=index, c=c, exclude_seen=exclude_seen)
        return self.neighbours_of_users(users, k, search, include, exclude)

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """Finds the `k` candidates nearest to each of the given candidates, which are not among their own neighbours.

        Args:
            items: Raw ids of the catalogue, `(batch,)`.
            k: Integer >= 1, the number of neighbours, at most the size of the catalogue. Defaults to `10`.

        Returns:
            A `Neighbours`, as from `recommend`.

        Raises:
            ValueError: If an id is unknown, or if `k` is below 1.
        """
        index, c = self.exact_index()
        return self.neighbours_of_items(items, k, lambda codes, k: self.nearest_to_items(codes, k, index, c))

    def explain(self, users: Any, items: Any) -> Explanation:
        """Finds the items of the users' histories that draw them to items, such as recommended ones.

        The lead of an item, the distance of the user from the origin less that from the item, ranks items as the distance does.
        The pull of an item of the history is the lead of the recommended item less the lead that it would have without this item,
        as if it had never been in the history: so it counts everything that an item does, also to the weights of the others. Of
        long histories, the newest 512 items are left out in turn.

        Args:
            users: Raw user ids, `(pairs,)`. Unknown users have no history.
            items: Raw ids of the catalogue, `(pairs,)`, one for each user.

        Returns:
            An `Explanation`. Models that do not represent users by their histories have distances only, and no items.

        Raises:
            ValueError: If an item is unknown, or if there is not one for each user.
        """
        self.check_history()
        names, asked = self.query_lookup.convert(users, "users"), id_array(items, "items")
        if len(names) != len(asked):
            raise ValueError(
                f"`items` must be one for each of `users`. Received: {len(asked)} items, {len(names)} users"
            )
        codes, targets = self.query_lookup(names).numpy(), self._known_codes(asked)
        longest = int(tf.reduce_max(self.seen.histories.counts(np.maximum(codes, 0)))) if len(self.seen) else 1
        # Every item that is left out makes another point of the user. Pairs of one user come together, and share these points.
        size = max(1, self.query_tower.block // max(longest, 1))
        order = np.argsort(codes, kind="stable")
        parts = [self._strongest(codes[some], targets[some]) for some in np.split(order, range(size, len(order), size))]
        width = max(part[0].shape[1] for part in parts)
        back = np.argsort(order, kind="stable")
        found, shares, pulls = (
            np.concatenate([_widened(part[column], width, fill) for part in parts])[back]
            for column, fill in enumerate((-1, 0, 0))
        )
        distances = np.concatenate([part[3] for part in parts])[back]
        return Explanation(self.candidate_lookup.raw_array(found), shares, pulls, distances)

    def _strongest(self, codes: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, ...]:
        """The explanation of pairs of codes."""
        users, owners = np.unique(codes, return_inverse=True)
        left_out, without = self.query_tower.without_one(tf.constant(np.maximum(users, 0)))
        left_out = tf.where((users < 0)[:, np.newaxis], -1, left_out)
        points = self.query_tower.points_or_origin(tf.constant(users))
        points, without, left_out = (tf.gather(values, owners) for values in (points, without, left_out))
        answer = strongest(points, without, left_out, self.candidate_tower.points(items), self.curvature())
        return tuple(value.numpy() for value in answer)

    def exact_index(self) -> tuple[ExactIndex, Tensor]:
        """Returns an index of the current points of the catalogue, and the current curvature."""
        c = tf.identity(self.curvature())
        return ExactIndex.of(self.candidate_tower.all_points(), c), c

    def nearest_to_users(
        self,
        ids: Tensor,
        k: Tensor,
        index: Index,
        c: Tensor,
        exclude_seen: bool,
        include: Tensor | None = None,
        exclude: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Searches for raw user ids, `(batch,)`, inside a graph; returns what `retrieval.nearest` returns.

        `include` and `exclude` are item codes, `(batch, n)`, padded with -1, see `Filters`.
        """
        codes = self.query_lookup(ids)
        queries = self.query_tower.points_or_origin(codes)
        seen = self.seen.histories.pairs(codes) if exclude_seen else None
        if include is None:
            given = None if seen is None else exclude_pairs(*seen), None if exclude is None else exclude_matrix(exclude)
            return nearest(queries, index, c, k, exclude_all(*given))
        for pairs in (seen, None if exclude is None else matrix_pairs(exclude)):
            include = include if pairs is None else without_pairs(include, *pairs)
        return nearest_among(queries, include, index, c, k)

    def nearest_to_items(self, codes: Tensor, k: Tensor, index: Index, c: Tensor) -> tuple[Tensor, Tensor]:
        """Searches for the neighbours of item codes, `(batch,)`, inside a graph; returns what `retrieval.nearest` returns."""
        return nearest(index.points(codes), index, c, k, exclude_matrix(codes[:, tf.newaxis]))

    def neighbours_of_users(
        self, users: Any, k: int, search: Search, include: Any = None, exclude: Any = None
    ) -> Neighbours:
        """Validates raw ids and runs `search` on those of the users, in batches that fit into memory."""
        self.check_history()
        asked = self.query_lookup.convert(users, "users")
        return self._search(asked, k, search, Filters.of(self.candidate_lookup, len(asked), include, exclude))

    def neighbours_of_items(self, items: Any, k: int, search: Search) -> Neighbours:
        """Validates raw item ids and runs `search` on their codes, in batches that fit into memory."""
        return self._search(self._known_codes(id_array(items, "items")), k, search)

    def _known_codes(self, items: np.ndarray) -> np.ndarray:
        codes = self.candidate_lookup(self.candidate_lookup.convert(items, "items")).numpy()
        if (codes < 0).any():
            raise ValueError(f"`items` must be of the catalogue. Received unknown ids: {items[codes < 0][:5].tolist()}")
        return codes

    def _search(self, asked: np.ndarray, k: int, search: Search, filters: Filters = _ALL) -> Neighbours:
        k = min(count(k=k), len(self.candidate_lookup))
        block = max(1, _SCORES // len(self.candidate_lookup))
        parts = [asked[start : start + block] for start in range(0, len(asked), block)]
        found = [
            search(
                tf.constant(part.tolist() if part.dtype.kind == "O" else part),
                tf.constant(k),
                **filters.at(number * block, len(part)),
            )
            for number, part in enumerate(parts)
        ]
        indices, distances = (np.concatenate([result[column].numpy() for result in found]) for column in (0, 1))
        nowhere = np.isnan(distances).any(axis=1)
        if nowhere.any():
            first = asked.tolist()[int(np.argmax(nowhere))]
            raise ValueError(
                f"Points must be finite to be searched for. Received: {np.count_nonzero(nowhere)} that are not, the first "
                f"that of {first!r}. Training has diverged: load weights of an earlier epoch, and train with a smaller "
                "learning rate."
            )
        return Neighbours(self.candidate_lookup.raw_array(indices), distances)

    def scorer(self, seen: Interactions | None = None) -> Scorer:
        """Returns a function that scores the whole catalogue as it is now, in float64 so that no rank depends on rounding.

        Args:
            seen: Optional `Interactions`, the histories by which users are represented, if they are, instead of those in the
                model. Defaults to `None`, the histories in the model.

        Returns:
            A function from user codes, `(batch,)`, to scores, `(batch, n)`, float64.

        Raises:
            ValueError: If users are represented by their histories and `seen` is empty.
        """
        c = tf.cast(self.curvature(), tf.float64)
        candidates = tf.cast(self.candidate_tower.all_points(), tf.float64)
        points: Callable[..., Tensor] = self.query_tower.points
        if seen is not None and self.query_tower.seen is not None:
            rows = self._recode(seen, "seen")
            with self.seen.replaced(rows):
                self.check_history()
                points = self._points_with_rows(np.unique(rows.users))

        def score(users: np.ndarray) -> Tensor:
            queries = points(tf.convert_to_tensor(users, tf.int32))
            return pairwise_proximity(tf.cast(queries, tf.float64), candidates, c)

        return score

    def _points_with_rows(self, users: np.ndarray) -> Callable[[Tensor], Tensor]:
        """Returns a function from user codes to points as they are now: those of the given users, the origin for others.

        A shard of a table has few of all users.
        """
        points = self.query_tower.points_of(users)
        points = tf.concat([points, tf.zeros_like(points[:1])], axis=0)
        places = np.full(len(self.query_tower), len(users), np.int32)
        places[users] = np.arange(len(users))
        return lambda asked: tf.gather(points, places[asked.numpy()])


def _widened(values: np.ndarray, width: int, fill: int) -> np.ndarray:
    return np.pad(values, [(0, 0), (0, width - values.shape[1])], constant_values=fill)
