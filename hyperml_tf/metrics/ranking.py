"""The former home of `hyperml_tf.metrics.protocols`."""

from hyperml_tf.metrics.protocols import Scorer, expand_rows
from hyperml_tf.metrics.protocols import held_out_ranks as ranking_ranks

__all__ = ["Scorer", "expand_rows", "ranking_ranks"]
