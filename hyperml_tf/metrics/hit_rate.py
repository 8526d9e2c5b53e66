"""Hit rate as a Keras metric."""

from __future__ import annotations

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.metrics import gains
from hyperml_tf.metrics.ranking_metric import RankingMetric
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class HitRate(RankingMetric):
    """Hit rate HR@k, the fraction of samples whose relevant candidate is among the first `k`.

    With one relevant candidate per sample it equals recall@k. Ranks are pessimistic: the relevant candidate ranks behind all
    candidates with an equal score.

    Args:
        k: Positive integer, the cut-off. Defaults to `10`.
        name: Name of the metric. Defaults to `None`, which is `hr@<k>`.
        **kwargs: Base metric keyword arguments, such as `dtype`.

    Call arguments:
        y_true: Labels, `(batch_size, n)`: 1 for the relevant candidate, 0 for the others.
        y_pred: Scores, `(batch_size, n)`, higher is better.
        sample_weight: Weights of the samples, `(batch_size,)`. Defaults to `None`, equal weights.

    Raises:
        ValueError: If `k` is not a positive integer.

    Example:

    >>> metric = HitRate(k=1)
    >>> metric.update_state([[1, 0], [1, 0]], [[0.9, 0.1], [0.5, 0.5]])
    >>> float(metric.result())  # the tie is a miss
    0.5
    """

    prefix = "hr"

    def gain(self, ranks: Tensor) -> Tensor:
        return gains.hit_rate(ranks, self.k)
