"""Ranking metrics: Keras metrics for `fit` and `evaluate`, and exact reports under both evaluation protocols."""

from hyperml_tf.metrics.hit_rate import HitRate
from hyperml_tf.metrics.ndcg import NDCG
from hyperml_tf.metrics.protocols import ranking_report

__all__ = ["NDCG", "HitRate", "ranking_report"]
