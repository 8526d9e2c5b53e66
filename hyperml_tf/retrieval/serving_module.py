"""The graph that is exported: everything between raw string ids and recommendations, in plain TensorFlow operations."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.numerics import Tensor

USER, ITEM, EXCLUDE, DISTANCE = "user_id", "item_id", "exclude", "distance"
"""Names of inputs and outputs in every signature."""


class ServingModule(tf.Module):
    """Points of users and items, their ids and the searches over them, as signatures of a SavedModel.

    Every input and output has the batch as its first axis, so that a server may batch requests. Unknown users lie at the origin;
    an unknown item has an infinite distance; `""` is no item, in inputs (padding) and in outputs (nothing left to return).

    Args:
        user_ids: `(n_users,)` ids; integers are served as their decimal text.
        user_points: `(n_users, dim)` points of the ball.
        item_ids: `(n_items,)` ids.
        item_points: `(n_items, dim)` points of the ball.
        curvature: the curvature `c >= 0`.
        k: length of the answers, at least 1; clamped to `n_items`.
    """

    def __init__(
        self,
        user_ids: np.ndarray,
        user_points: Tensor,
        item_ids: np.ndarray,
        item_points: Tensor,
        curvature: float,
        k: int,
    ) -> None:
        super().__init__(name="hyperml_serving")
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        self.k = min(int(k), len(item_ids))
        # Variables, not constants: a graph is limited to 2 GB, and variables are read from their own files.
        self.user_points = tf.Variable(user_points, trainable=False, name="user_points")
        self.item_points = tf.Variable(item_points, trainable=False, name="item_points")
        self.lifted = tf.Variable(lorentz.lift(item_points, curvature), trainable=False, name="lifted_items")
        self.curvature = tf.Variable(curvature, dtype=self.item_points.dtype, trainable=False, name="curvature")
        self.users = _table(user_ids)
        self.items = _table(item_ids)
        self.item_ids = tf.constant(_text(item_ids))

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The concrete functions by signature name."""
        batch = tf.TensorSpec([None], tf.string, name=USER)

        def matrix(name: str) -> tf.TensorSpec:
            return tf.TensorSpec([None, None], tf.string, name=name)

        return {
            "serving_default": tf.function(self.recommend).get_concrete_function(batch),
            "recommend_excluding": tf.function(self.recommend_excluding).get_concrete_function(batch, matrix(EXCLUDE)),
            "score": tf.function(self.score).get_concrete_function(batch, matrix(ITEM)),
        }

    def recommend(self, user_id: Tensor) -> dict[str, Tensor]:
        """`user_id` `(batch,)` -> `item_id` and `distance`, both `(batch, k)`, nearest first."""
        return self._nearest(self._queries(user_id), None)

    def recommend_excluding(self, user_id: Tensor, exclude: Tensor) -> dict[str, Tensor]:
        """As `recommend`, without the items of `exclude` `(batch, n)`; `""` and unknown items exclude nothing."""
        return self._nearest(self._queries(user_id), self.items.lookup(exclude))

    def score(self, user_id: Tensor, item_id: Tensor) -> dict[str, Tensor]:
        """`user_id` `(batch,)` and `item_id` `(batch, n)` -> `distance` `(batch, n)`; infinite for an unknown item."""
        codes = self.items.lookup(item_id)
        points = tf.gather(self.item_points, tf.maximum(codes, 0))
        distances = poincare.distance(self._queries(user_id)[:, tf.newaxis, :], points, self.curvature)
        return {DISTANCE: tf.where(codes < 0, tf.constant(float("inf"), distances.dtype), distances)}

    def _queries(self, user_id: Tensor) -> Tensor:
        codes = self.users.lookup(user_id)
        points = tf.gather(self.user_points, tf.maximum(codes, 0))
        return tf.where(codes[:, tf.newaxis] < 0, tf.zeros_like(points), points)

    def _nearest(self, queries: Tensor, excluded: Tensor | None) -> dict[str, Tensor]:
        indices, distances = search.nearest(
            queries, self.item_points.read_value(), self.lifted.read_value(), self.curvature, self.k, excluded
        )
        ids = tf.gather(self.item_ids, tf.maximum(indices, 0))
        return {ITEM: tf.where(indices < 0, "", ids), DISTANCE: distances}


def _text(ids: np.ndarray) -> list[str]:
    return [str(value) for value in ids.tolist()]


def _table(ids: np.ndarray) -> tf.lookup.StaticHashTable:
    keys = tf.constant(_text(ids))
    values = tf.range(len(ids), dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default_value=-1)
