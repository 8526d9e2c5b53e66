"""Fold-in: points of new users, computed from their items without training."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.models import HistoryTower, SequenceEncoder, SequenceTower
from hyperml_tf.models.towers.pull import pull, recent_items, recent_weights
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.nearest import Index


class FoldIn(tf.Module):
    """Base class of fold-ins. Subclasses must implement `points`.

    Args:
        half_life: Float > 0. The weight of an item in a history halves every `half_life` later items; infinity: equal weights.

    Raises:
        ValueError: If `half_life` is not positive.
    """

    def __init__(self, half_life: float) -> None:
        if not half_life > 0:
            raise ValueError(f"`half_life` must be positive. Received: half_life={half_life}")
        super().__init__(name="fold_in")
        self.half_life = float(half_life)

    def points(self, codes: Tensor) -> Tensor:
        """Returns the points of users, `(batch, dim)`; the origin for users without items. Subclasses must implement it.

        Args:
            codes: Item codes from the oldest to the newest, `(batch, n)`; -1 for unknown items.
        """
        raise NotImplementedError("Subclasses must implement `points`.")

    def weights(self, codes: Tensor) -> Tensor:
        """Returns the weights of items, `(batch, n)`, float32: 1 for the newest known item, 0 for unknown items."""
        later = tf.cast(later_items(codes), tf.float32)
        return tf.where(codes >= 0, tf.pow(0.5, later / self.half_life), 0.0)


class HistoryFoldIn(FoldIn):
    """Fold-in for models with a `HistoryTower`: new users have the points of that tower, without an offset.

    Args:
        tower: The `HistoryTower` of the model.
        curvature: A variable >= 0, the curvature.
        half_life: Float > 0, see `FoldIn`.
        dtype: String, dtype of the stored context vectors. Defaults to `"float32"`.
    """

    def __init__(self, tower: HistoryTower, curvature: tf.Variable, half_life: float, dtype: str = "float32") -> None:
        super().__init__(half_life)
        self.curvature = curvature
        self.context = tf.Variable(tf.cast(tower.context, dtype), trainable=False, name="item_context")
        self.recent = (
            None
            if tower.recent is None
            else tf.Variable(tf.cast(tower.recent, dtype), trainable=False, name="item_recent")
        )
        self._history = tower.history
        self._longest = float(tower.embedding.norm_limit(tower.curvature()))

    def points(self, codes: Tensor) -> Tensor:
        return poincare.expmap0(tf.clip_by_norm(self.pulled(codes), self._longest, axes=[1]), self.curvature)

    def pulled(self, codes: Tensor) -> Tensor:
        """Returns the tangent vectors of users, `(batch, dim)`, from their items, see `points`."""
        weights = self.weights(codes)
        sums = _weighted_sum(self.context, codes, weights)
        counts = tf.reduce_sum(tf.cast(codes >= 0, tf.int32), axis=1)
        pulled = pull(self._history, sums, tf.reduce_sum(weights, axis=1), counts)
        if self.recent is not None:
            later = later_items(codes)
            known = (codes >= 0) & (later < recent_items(self._history))
            weights = tf.where(known, recent_weights(self._history, later), 0.0)
            pulled += _weighted_sum(self.recent, codes, weights)
        return pulled


class SequenceFoldIn(HistoryFoldIn):
    """Fold-in for models with a `SequenceTower`: new users have the points of that tower, without an offset.

    The cost per user grows with the square of the number of items, of which the newest are encoded, as many as in training.

    Args:
        tower: The `SequenceTower` of the model.
        curvature: A variable >= 0, the curvature.
        half_life: Float > 0, see `FoldIn`.
        dtype: String, dtype of the stored vectors of items. Defaults to `"float32"`.
    """

    def __init__(self, tower: SequenceTower, curvature: tf.Variable, half_life: float, dtype: str = "float32") -> None:
        super().__init__(tower, curvature, half_life, dtype)
        encoder = SequenceEncoder.from_config(tower.encoder.get_config())
        encoder.set_weights(tower.encoder.get_weights())
        self._length = encoder.encoding.length
        self.encoder_weights = tuple(encoder.weights)
        # Behind a function, so that what is saved are its operations and weights, not a layer of Keras.
        self._newest = encoder.newest

    def pulled(self, codes: Tensor) -> Tensor:
        return super().pulled(codes) + self._newest(newest_items(codes, self._length))


def newest_items(codes: Tensor, length: int) -> Tensor:
    """Returns the newest known items of each row, at most `length`, `(batch, m)`: -1, if any, comes first."""
    known = codes >= 0
    order = tf.argsort(tf.cast(known, tf.int32), axis=1, stable=True)
    return tf.gather(codes, order, batch_dims=1)[:, -length:]


def later_items(codes: Tensor) -> Tensor:
    """Returns the number of known items after each one, `(batch, n)`, int32."""
    return tf.cumsum(tf.cast(codes >= 0, tf.int32), axis=1, exclusive=True, reverse=True)


def _weighted_sum(table: tf.Variable, codes: Tensor, weights: Tensor) -> Tensor:
    """The weighted sums of the rows of items, `(batch, dim)`."""
    # The whole variable is read, see `ExactIndex._read`.
    vectors = tf.cast(tf.gather(table.read_value(), tf.maximum(codes, 0)), tf.float32)
    return tf.reduce_sum(weights[..., tf.newaxis] * vectors, axis=1)


class MidpointFoldIn(FoldIn):
    """Fold-in for models with an embedding per user: new users are at the gyromidpoint of their items.

    Args:
        index: An index of the points of the items.
        curvature: A variable >= 0, the curvature.
        half_life: Float > 0, see `FoldIn`.
    """

    def __init__(self, index: Index, curvature: tf.Variable, half_life: float) -> None:
        super().__init__(half_life)
        self.index, self.curvature = index, curvature

    def points(self, codes: Tensor) -> Tensor:
        items = self.index.points(tf.maximum(codes, 0))
        return poincare.gyromidpoint(items, self.curvature, self.weights(codes))
