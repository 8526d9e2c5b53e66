"""Fold-in: points of new users, computed from their items without training."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.models import HistoryTower, SequenceEncoder, SequenceTower
from hyperml_tf.models.copies import whole_weights
from hyperml_tf.models.explanations import MOST, leave_one_out
from hyperml_tf.models.towers.pull import item_weights, pull_of_selections
from hyperml_tf.models.towers.sequence_encoder import encoded_selections
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
        return item_weights(codes >= 0, self.half_life)

    def without_one(self, codes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the points that users would have without one item of their histories, for each of the newest items.

        Args:
            codes: Item codes of their histories, from the oldest to the newest, `(batch, n)`; -1 is padding.
            points: The points of the users, `(batch, dim)`.

        Returns:
            Item codes, `(batch, m)`, and points, `(batch, m, dim)`, as `Tower.without_one`; `m` is 0 if users are not represented
            by their histories.
        """
        return codes[:, :0], points[:, tf.newaxis][:, :0]

    def numbers_without_one(self, n: Tensor) -> Tensor:
        """Returns how many numbers `without_one` allocates for a user with `n` items."""
        return n


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
        return self._placed(self.pulled_by(codes, (codes >= 0)[:, tf.newaxis], self.half_life)[:, 0])

    def pulled_by(self, codes: Tensor, known: Tensor, half_life: float | None = None) -> Tensor:
        """Returns the tangent vectors of users from selections of their items, see `HistoryTower.pulled_by`."""
        context = _rows(self.context, codes)
        recent = None if self.recent is None else _rows(self.recent, codes)
        return pull_of_selections(self._history, known, context, recent, half_life)

    def without_one(self, codes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        left_out, known = leave_one_out(codes)
        # What is not of the items is of the offset, whose weight depends on the number of items.
        own = poincare.logmap0(points, self.curvature) - self.pulled_by(codes, (codes >= 0)[:, tf.newaxis])[:, 0]
        n = tf.reduce_sum(tf.cast(codes >= 0, tf.float32), axis=1)
        s = self._history.shrinkage
        kept = tf.math.divide_no_nan((n - 1.0) * (n + s), n * (n - 1.0 + s))
        tangent = self.pulled_by(codes, known) + (kept[:, tf.newaxis] * own)[:, tf.newaxis]
        return left_out, self._placed(tangent)

    def numbers_without_one(self, n: Tensor) -> Tensor:
        dim = self.context.shape[1]
        return tf.minimum(n, MOST) * (n + dim) + n * dim

    def _placed(self, tangent: Tensor) -> Tensor:
        return poincare.expmap0(tf.clip_by_norm(tangent, self._longest, axes=[-1]), self.curvature)


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
        encoder.set_weights(whole_weights(tower.encoder))
        self._length = encoder.encoding.length
        self.encoder_weights = tuple(encoder.weights)
        # Behind a function, so that what is saved are its operations and weights, not a layer of Keras.
        self._newest = encoder.newest

    def pulled_by(self, codes: Tensor, known: Tensor, half_life: float | None = None) -> Tensor:
        encoded = encoded_selections(self._newest, self._length, codes, known)
        return super().pulled_by(codes, known, half_life) + encoded

    def numbers_without_one(self, n: Tensor) -> Tensor:
        # Queries, keys, values and the network hold some ten numbers for each of the items that are encoded.
        return super().numbers_without_one(n) + tf.minimum(n, MOST) * self._length * 10 * self.context.shape[1]


def _rows(table: tf.Variable, codes: Tensor) -> Tensor:
    """The vectors of items, `(batch, n, dim)`."""
    # The whole variable is read, see `ExactIndex._read`.
    return tf.cast(tf.gather(table.read_value(), tf.maximum(codes, 0)), tf.float32)


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
