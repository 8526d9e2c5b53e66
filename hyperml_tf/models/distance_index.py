"""An exact index of the catalogue of a model, for many queries."""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.retrieval.results import Neighbours


@names_arguments
class DistanceIndex:
    """Exact nearest-neighbour search among the items of a model, by hyperbolic distance.

    `model.recommend` recomputes the points of the catalogue in every call; an index computes them once. It is a snapshot: make a
    new one after further training.

    Args:
        model: A `HyperML`, or a baseline that recommends by distance.
        compiled: Boolean, whether to compile queries into a `tf.function`. Tracing takes about as long as some hundred small
            queries; results are the same. Defaults to `True`.

    Raises:
        ValueError: If the users of the model are represented by their histories and all of these are empty.

    Example:

    >>> from hyperml_tf import HyperML
    >>> index = DistanceIndex(HyperML(["ann"], ["a", "b", "c"], dim=4, history=0))
    >>> index.recommend(["ann", "stranger"], k=2).ids.shape
    (2, 2)
    """

    def __init__(self, model: MetricRecommender, compiled: bool = True) -> None:
        check_instance(MetricRecommender, model=model)
        model.check_history()
        self._model = model
        self._index, c = model.exact_index()
        self._near_users = partial(model.nearest_to_users, index=self._index, c=c)
        self._near_items = partial(model.nearest_to_items, index=self._index, c=c)
        if compiled:
            self._near_users, self._near_items = (
                tf.function(function, autograph=False, reduce_retracing=True)
                for function in (self._near_users, self._near_items)
            )

    def __len__(self) -> int:
        return self._index.n

    def recommend(
        self, users: Any, k: int = 10, exclude_seen: bool = True, include: Any = None, exclude: Any = None
    ) -> Neighbours:
        """Recommends the `k` nearest items to each user, see `HyperML.recommend`."""
        search = partial(self._near_users, exclude_seen=bool(exclude_seen))
        return self._model.neighbours_of_users(users, k, search, include, exclude)

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """Finds the `k` items nearest to each item, see `HyperML.similar_items`."""
        return self._model.neighbours_of_items(items, k, self._near_items)
