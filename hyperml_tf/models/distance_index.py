"""The catalogue of a model, made ready to be searched again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.models.answers import raw_ids
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.towers.id_lookup import id_array
from hyperml_tf.models.two_towers import TwoTowers
from hyperml_tf.numerics import Tensor

# Scores computed at once: 64 MiB of float32, so that a large batch takes no more memory than the catalogue does.
_SCORES = 2**24

# One for all indexes: what is traced for one is there for the next.
_nearest = tf.function(search.nearest, autograph=False, reduce_retracing=True)


class DistanceIndex:
    """Exact search among the items of a model, by hyperbolic distance.

    `model.recommend` makes one for every call, which computes all points of the catalogue. Keep one to ask many times. It holds
    the items as they are when it is made: make a new one after training.

    Args:
        model: a `HyperML`, or a baseline that recommends by distance.
        compiled: whether to trace how users get their points, which takes the time of some hundred small questions. The answers
            are the same.

    Example:

    >>> from hyperml_tf import HyperML
    >>> index = DistanceIndex(HyperML(["ann"], ["a", "b", "c"], dim=4))
    >>> index.recommend(["ann", "stranger"], k=2).ids.shape
    (2, 2)
    """

    def __init__(self, model: TwoTowers, compiled: bool = True) -> None:
        self._model = model
        points = model.query_tower.points_or_origin
        self._user_points = tf.function(points, autograph=False, reduce_retracing=True) if compiled else points
        self._c = tf.identity(model.curvature())
        self._catalogue = search.searchable(model.candidate_tower.all_points(), self._c)

    def __len__(self) -> int:
        return int(self._catalogue.rows.shape[0])

    def recommend(self, users: Any, k: int = 10, exclude_seen: bool = True) -> Neighbours:
        """As `HyperML.recommend`."""
        codes = self._model.query_lookup(id_array(users, "users")).numpy()
        seen = self._model.seen.padded if exclude_seen else None
        return self._search(codes, self._user_points, k, seen)

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """As `HyperML.similar_items`."""
        ids = id_array(items, "items")
        codes = self._model.candidate_lookup(ids).numpy()
        if (codes < 0).any():
            raise ValueError(f"`items` must be of the catalogue. Received unknown ids: {ids[codes < 0][:5].tolist()}")
        return self._search(codes, self._catalogue.points, k, lambda rows: rows[:, None])

    def _search(
        self,
        codes: np.ndarray,
        points_of: Callable[[Tensor], Tensor],
        k: int,
        excluded: Callable[[np.ndarray], np.ndarray] | None,
    ) -> Neighbours:
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        block = max(1, _SCORES // len(self))
        found = [
            _nearest(
                points_of(tf.constant(rows, tf.int32)),
                self._catalogue,
                self._c,
                tf.constant(k),
                None if excluded is None else tf.constant(excluded(rows), tf.int32),
            )
            for rows in np.array_split(codes, range(block, len(codes), block))
        ]
        indices, distances = (np.concatenate([result[part].numpy() for result in found]) for part in (0, 1))
        return Neighbours(raw_ids(self._model, indices), distances)
