"""What the Keras ranking metrics share: a running mean over targets, fed by scores or by ranks."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.numerics import Tensor


class RankingMetric(tf.keras.metrics.Metric):
    """Base of `HitRate` and `NDCG`: the mean of a function of the rank of the relevant candidate.

    Args:
        k: the cut-off, at least 1.
        name: name of the metric; `<metric>@<k>` if None.

    Raises:
        ValueError: if `k` is not a positive integer.
    """

    prefix = "ranking"

    def __init__(self, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        if int(k) != k or k < 1:
            raise ValueError(f"`k` must be a positive integer. Received: k={k!r}")
        super().__init__(name=name or f"{self.prefix}@{int(k)}", **kwargs)
        self.k = int(k)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def gain(self, ranks: Tensor) -> Tensor:
        """The value of each 0-based rank, `(batch,)` -> float32 `(batch,)`."""
        raise NotImplementedError("Subclasses say what a rank is worth.")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Adds a batch of scored candidates.

        Args:
            y_true: 1 for the one relevant candidate of each row, 0 for the others, `(batch, n)`. A row without a relevant
                candidate counts as missed.
            y_pred: scores, higher is better (for a distance model: negated distances), `(batch, n)`. Ties count against.
            sample_weight: weights of the rows, `(batch,)` or `(batch, 1)`, or one number.
        """
        y_pred = numerics.promote(y_pred)[0]
        relevant = tf.convert_to_tensor(y_true) > 0
        target = tf.reduce_max(tf.where(relevant, y_pred, float("-inf")), axis=-1)
        ranks = ranks_lib.rank_among(target, y_pred) - 1
        missing = tf.logical_not(tf.reduce_any(relevant, axis=-1))
        self.update_ranks(tf.where(missing, tf.shape(y_pred)[-1] + self.k, ranks), sample_weight)

    def update_ranks(self, ranks: Tensor, sample_weight: Tensor | None = None) -> None:
        """Adds 0-based ranks, `(batch,)`, computed elsewhere."""
        values = tf.cast(self.gain(ranks), self.total.dtype)
        weights = tf.ones_like(values)
        if sample_weight is not None:
            # Keras gives `(batch, 1)`, which would broadcast to `(batch, batch)`.
            weights *= tf.reshape(tf.cast(sample_weight, values.dtype), [-1])
        self.total.assign_add(tf.reduce_sum(values * weights))
        self.count.assign_add(tf.reduce_sum(weights))

    def result(self) -> Tensor:
        return tf.math.divide_no_nan(self.total, self.count)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}
