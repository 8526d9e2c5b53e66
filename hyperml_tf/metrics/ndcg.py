"""Normalised discounted cumulative gain as a Keras metric."""

from __future__ import annotations

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.metrics import gains
from hyperml_tf.metrics.ranking_metric import RankingMetric
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class NDCG(RankingMetric):
    """Normalised discounted cumulative gain nDCG@k with one relevant candidate per sample.

    It is the mean over samples of `1 / log2(rank + 2)`, where `rank` is the 0-based rank of the relevant candidate, and of 0 for
    `rank >= k`. Ranks are pessimistic: the relevant candidate ranks behind all candidates with an equal score.

    Args:
        k: Positive integer, the cut-off. Defaults to `10`.
        name: Name of the metric. Defaults to `None`, which is `ndcg@<k>`.
        **kwargs: Base metric keyword arguments, such as `dtype`.

    Call arguments:
        y_true: Labels, `(batch_size, n)`: 1 for the relevant candidate, 0 for the others.
        y_pred: Scores, `(batch_size, n)`, higher is better.
        sample_weight: Weights of the samples, `(batch_size,)`. Defaults to `None`, equal weights.

    Raises:
        ValueError: If `k` is not a positive integer.

    Reference:
        - K. Järvelin, J. Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002

    Example:

    >>> metric = NDCG(k=2)
    >>> metric.update_state([[1, 0, 0]], [[0.5, 0.9, 0.1]])
    >>> round(float(metric.result()), 4)
    0.6309
    """

    prefix = "ndcg"

    def gain(self, ranks: Tensor) -> Tensor:
        return gains.ndcg(ranks, self.k)
