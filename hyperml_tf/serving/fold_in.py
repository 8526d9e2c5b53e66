"""Fold-in: where an export places users that were not trained on, from the items they have."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.models import HistoryTower
from hyperml_tf.models.towers.pull import pull
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.nearest import Index


class FoldIn(tf.Module):
    """Base class: a subclass says in `points` where users with a history are.

    Args:
        half_life: an item of a history weighs half as much as the one so many places after it; infinite: all weigh the same.

    Raises:
        ValueError: if `half_life` is not positive.
    """

    def __init__(self, half_life: float) -> None:
        if not half_life > 0:
            raise ValueError(f"`half_life` must be positive. Received: half_life={half_life}")
        super().__init__(name="fold_in")
        self.half_life = float(half_life)

    def points(self, codes: Tensor) -> Tensor:
        """Item codes, oldest first, -1 for an unknown one, `(batch, n)` -> points, `(batch, dim)`; the origin without items."""
        raise NotImplementedError("A fold-in says where users are.")

    def weights(self, codes: Tensor) -> Tensor:
        """Weights of the items of a history, `(batch, n)` float32, 0 for unknown ones: the last known one has 1."""
        known = tf.cast(codes >= 0, tf.float32)
        later = tf.cumsum(known, axis=1, exclusive=True, reverse=True)
        return known * tf.pow(0.5, later / self.half_life)


class HistoryFoldIn(FoldIn):
    """New users of a model whose users are placed by their items: where the query tower puts a user with these and no offset.

    Args:
        tower: the query tower.
        curvature: the curvature `c >= 0`, a variable that the export holds.
        half_life: see `FoldIn`.
        dtype: the dtype in which the items' vectors are stored.
    """

    def __init__(self, tower: HistoryTower, curvature: tf.Variable, half_life: float, dtype: str = "float32") -> None:
        super().__init__(half_life)
        self.curvature = curvature
        self.context = tf.Variable(tf.cast(tower.context, dtype), trainable=False, name="item_context")
        self._history = tower.history
        self._longest = float(tower.embedding.norm_limit(tower.curvature()))

    def points(self, codes: Tensor) -> Tensor:
        weights = self.weights(codes)
        # The variable is read whole: after a gather from the variable itself TensorFlow would copy it at every reading.
        vectors = tf.cast(tf.gather(self.context.read_value(), tf.maximum(codes, 0)), tf.float32)
        sums = tf.reduce_sum(weights[..., tf.newaxis] * vectors, axis=1)
        counts = tf.reduce_sum(tf.cast(codes >= 0, tf.int32), axis=1)
        pulled = pull(self._history, sums, tf.reduce_sum(weights, axis=1), counts)
        return poincare.expmap0(tf.clip_by_norm(pulled, self._longest, axes=[1]), self.curvature)


class MidpointFoldIn(FoldIn):
    """New users of a model whose users are free points: at the gyromidpoint of the points of their items.

    Args:
        index: the points of the items.
        curvature: the curvature `c >= 0`, a variable that the export holds.
        half_life: see `FoldIn`.
    """

    def __init__(self, index: Index, curvature: tf.Variable, half_life: float) -> None:
        super().__init__(half_life)
        self.index, self.curvature = index, curvature

    def points(self, codes: Tensor) -> Tensor:
        items = self.index.points(tf.maximum(codes, 0))
        return poincare.gyromidpoint(items, self.curvature, self.weights(codes))
