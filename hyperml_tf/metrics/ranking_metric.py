"""The base class of the Keras ranking metrics."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import check_positive_integer
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.numerics import Tensor


class RankingMetric(tf.keras.metrics.Metric):
    """Base class of `HitRate` and `NDCG`: the mean of a function of the rank of the relevant candidate.

    A subclass sets `prefix` and implements `gain`.

    Args:
        k: Positive integer, the cut-off. Defaults to `10`.
        name: Name of the metric. Defaults to `None`, which is `<prefix>@<k>`.
        **kwargs: Base metric keyword arguments, such as `dtype`.

    Raises:
        ValueError: If `k` is not a positive integer.
    """

    prefix = "ranking"

    def __init__(self, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        check_positive_integer(k=k)
        super().__init__(name=name or f"{self.prefix}@{int(k)}", **kwargs)
        self.k = int(k)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def gain(self, ranks: Tensor) -> Tensor:
        """The value of the metric for each sample.

        Args:
            ranks: 0-based ranks of the relevant candidates, `(batch_size,)`.

        Returns:
            Values, `(batch_size,)`, float32.
        """
        raise NotImplementedError("Subclasses must implement `gain`.")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Accumulates the metric of a batch of scores.

        Args:
            y_true: Labels, `(batch_size, n)`: 1 for the relevant candidate, 0 for the others, -1 for padding. A sample without
                a relevant candidate counts as a miss.
            y_pred: Scores, `(batch_size, n)`, higher is better. For a model of distances, pass negated distances.
            sample_weight: Weights of the samples, `(batch_size,)`, `(batch_size, 1)` or a scalar. Defaults to `None`, equal
                weights.
        """
        y_pred, y_true = numerics.promote(y_pred=y_pred)[0], tf.convert_to_tensor(y_true)
        y_pred = tf.where(y_true < 0, tf.constant(float("-inf"), y_pred.dtype), y_pred)
        relevant = y_true > 0
        target = tf.reduce_max(tf.where(relevant, y_pred, float("-inf")), axis=-1)
        ranks = ranks_lib.rank_among(target, y_pred) - 1
        missing = tf.logical_not(tf.reduce_any(relevant, axis=-1))
        self.update_ranks(tf.where(missing, tf.shape(y_pred)[-1] + self.k, ranks), sample_weight)

    def update_ranks(self, ranks: Tensor, sample_weight: Tensor | None = None) -> None:
        """Accumulates the metric of a batch of ranks.

        Args:
            ranks: 0-based ranks of the relevant candidates, `(batch_size,)`.
            sample_weight: As for `update_state`.
        """
        values = tf.cast(self.gain(ranks), self.total.dtype)
        weights = tf.ones_like(values)
        if sample_weight is not None:
            # Left as it is, the `(batch_size, 1)` of Keras would broadcast to `(batch_size, batch_size)`.
            weights *= tf.reshape(tf.cast(sample_weight, values.dtype), [-1])
        self.total.assign_add(tf.reduce_sum(values * weights))
        self.count.assign_add(tf.reduce_sum(weights))

    def result(self) -> Tensor:
        return tf.math.divide_no_nan(self.total, self.count)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}
