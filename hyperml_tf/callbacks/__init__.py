"""Keras callbacks of ours. Keras's own all work with `HyperML`; these add what they lack."""

from hyperml_tf.callbacks.best_weights import BestWeights
from hyperml_tf.callbacks.training_progress import TrainingProgress

__all__ = ["BestWeights", "TrainingProgress"]
