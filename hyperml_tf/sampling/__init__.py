"""Negative sampling: uniform and hard negatives that users have not interacted with."""

from hyperml_tf.sampling.hard_negatives import Draw, draw, hardest
from hyperml_tf.sampling.uniform_negatives import uniform_negatives

__all__ = ["Draw", "draw", "hardest", "uniform_negatives"]
