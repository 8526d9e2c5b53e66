"""The catalogue of a model, made ready to be searched again and again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.models.answers import raw_ids
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.towers.id_lookup import id_array
from hyperml_tf.models.two_towers import TwoTowers
from hyperml_tf.numerics import Tensor

# Scores computed at once: 512 MiB of float32. Of a million items that is 128 users, for whom the catalogue is read once.
_SCORES = 2**27


class DistanceIndex:
    """Exact search among the items of a model, by hyperbolic distance.

    `model.recommend` makes one for every call, which computes all points of the catalogue. Keep one to ask many times. It holds
    the model as it is when it is made: make a new one after training or `set_seen`.

    Args:
        model: a `HyperML`, or a baseline that recommends by distance.
        compiled: whether to trace the way from the ids of users to their items, which takes the time of some hundred small
            questions. The answers are the same.

    Example:

    >>> from hyperml_tf import HyperML
    >>> index = DistanceIndex(HyperML(["ann"], ["a", "b", "c"], dim=4))
    >>> index.recommend(["ann", "stranger"], k=2).ids.shape
    (2, 2)
    """

    def __init__(self, model: TwoTowers, compiled: bool = True) -> None:
        self._model = model
        self._c = tf.identity(model.curvature())
        self._catalogue = search.searchable(model.candidate_tower.all_points(), self._c)
        self._near_users, self._near_items = self._of_users, self._of_items
        if compiled:
            self._near_users, self._near_items = (
                tf.function(function, autograph=False, reduce_retracing=True)
                for function in (self._of_users, self._of_items)
            )

    def __len__(self) -> int:
        return int(self._catalogue.points.shape[0])

    def recommend(self, users: Any, k: int = 10, exclude_seen: bool = True) -> Neighbours:
        """As `HyperML.recommend`."""
        near = partial(self._near_users, exclude_seen=bool(exclude_seen))
        return self._search(id_array(users, "users"), near, k)

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """As `HyperML.similar_items`."""
        ids = id_array(items, "items")
        codes = self._model.candidate_lookup(ids).numpy()
        if (codes < 0).any():
            raise ValueError(f"`items` must be of the catalogue. Received unknown ids: {ids[codes < 0][:5].tolist()}")
        return self._search(codes, self._near_items, k)

    def _of_users(self, ids: Tensor, k: Tensor, exclude_seen: bool) -> tuple[Tensor, Tensor]:
        codes = self._model.query_lookup(ids)
        queries = self._model.query_tower.points_or_origin(codes)
        restrict = partial(search.without_pairs, pairs=self._model.seen.pairs_of(codes)) if exclude_seen else None
        return search.nearest(queries, self._catalogue, self._c, k, restrict)

    def _of_items(self, codes: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        itself = partial(search.without, excluded=codes[:, tf.newaxis])
        return search.nearest(self._catalogue.points_at(codes), self._catalogue, self._c, k, itself)

    def _search(self, asked: np.ndarray, near: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], k: int) -> Neighbours:
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        block = max(1, _SCORES // len(self))
        found = [
            near(tf.constant(part.tolist() if part.dtype.kind == "O" else part), tf.constant(k))
            for part in np.array_split(asked, range(block, len(asked), block))
        ]
        indices, distances = (np.concatenate([result[column].numpy() for result in found]) for column in (0, 1))
        return Neighbours(raw_ids(self._model, indices), distances)
