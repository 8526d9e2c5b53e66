"""Hit rate as a Keras metric."""

from __future__ import annotations

from hyperml_tf._keras import register
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.metrics.ranking_metric import RankingMetric
from hyperml_tf.numerics import Tensor


@register
class HitRate(RankingMetric):
    """HR@k: the share of targets ranked among the first `k` (recall@k when there is one relevant item).

    Args:
        k: the cut-off, at least 1.
        name: name of the metric; `hr@<k>` if None.

    Example:

    >>> metric = HitRate(k=1)
    >>> metric.update_state([[1, 0], [1, 0]], [[0.9, 0.1], [0.5, 0.5]])  # the tie counts against
    >>> float(metric.result())
    0.5
    """

    prefix = "hr"

    def gain(self, ranks: Tensor) -> Tensor:
        return ranks_lib.hit_rate(ranks, self.k)
