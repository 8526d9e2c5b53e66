"""Newcomers to a model whose users are where their items put them."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.models import HistoryTower
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.newcomers import Newcomers


class HistoryNewcomers(Newcomers):
    """They are where the query tower puts a user with these items and no offset.

    Args:
        tower: the query tower.
        curvature: the curvature `c >= 0`, a variable that the export holds.
        half_life: see `Newcomers`.
        dtype: what the items' vectors are held in.
    """

    def __init__(self, tower: HistoryTower, curvature: tf.Variable, half_life: float, dtype: str = "float32") -> None:
        super().__init__(half_life)
        self.curvature = curvature
        self.context = tf.Variable(tf.cast(tower.context, dtype), trainable=False, name="item_context")
        self._history = tower.history
        self._longest = float(tower.embedding.norm_limit(tower.curvature()))

    def points(self, codes: Tensor) -> Tensor:
        weights = self.weights(codes)
        vectors = tf.cast(tf.gather(self.context, tf.maximum(codes, 0)), tf.float32)
        total = tf.reduce_sum(weights[..., tf.newaxis] * vectors, axis=1)
        mean = tf.math.divide_no_nan(total, tf.reduce_sum(weights, axis=1, keepdims=True))
        counts = tf.reduce_sum(tf.cast(codes >= 0, tf.int32), axis=1, keepdims=True)
        tangent = tf.clip_by_norm(self._history.strength(counts) * mean, self._longest, axes=[1])
        return poincare.expmap0(tangent, self.curvature)
