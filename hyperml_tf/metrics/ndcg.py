"""Normalised discounted cumulative gain as a Keras metric."""

from __future__ import annotations

from hyperml_tf._keras import register
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.metrics.ranking_metric import RankingMetric
from hyperml_tf.numerics import Tensor


@register
class NDCG(RankingMetric):
    """nDCG@k with one relevant item: the mean of `1 / log2(rank + 2)` over targets ranked among the first `k`.

    Args:
        k: the cut-off, at least 1.
        name: name of the metric; `ndcg@<k>` if None.

    Example:

    >>> metric = NDCG(k=2)
    >>> metric.update_state([[1, 0, 0]], [[0.5, 0.9, 0.1]])
    >>> round(float(metric.result()), 4)
    0.6309
    """

    prefix = "ndcg"

    def gain(self, ranks: Tensor) -> Tensor:
        return ranks_lib.ndcg(ranks, self.k)
