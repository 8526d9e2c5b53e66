"""The catalogue of a model, made ready to be searched again and again."""

from __future__ import annotations

from functools import partial
from typing import Any

import tensorflow as tf

from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.retrieval.results import Neighbours


class DistanceIndex:
    """Exact search among the items of a model, by hyperbolic distance.

    `model.recommend` computes all points of the catalogue for every call. Keep an index to ask many times. It holds the catalogue
    as it is when the index is made: make a new one after training.

    Args:
        model: a `HyperML`, or a baseline that recommends by distance.
        compiled: whether to trace the way from the ids of users to their items, which takes the time of some hundred small
            questions. The answers are the same.

    Raises:
        ValueError: if the users of the model are placed by what they have seen, and nobody has seen anything.

    Example:

    >>> from hyperml_tf import HyperML
    >>> index = DistanceIndex(HyperML(["ann"], ["a", "b", "c"], dim=4, history=0))
    >>> index.recommend(["ann", "stranger"], k=2).ids.shape
    (2, 2)
    """

    def __init__(self, model: MetricRecommender, compiled: bool = True) -> None:
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

    def recommend(self, users: Any, k: int = 10, exclude_seen: bool = True) -> Neighbours:
        """As `HyperML.recommend`."""
        return self._model.search_users(users, k, partial(self._near_users, exclude_seen=bool(exclude_seen)))

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """As `HyperML.similar_items`."""
        return self._model.search_items(items, k, self._near_items)
