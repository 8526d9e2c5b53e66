"""Keras callbacks. `HyperML` works with those of Keras; the callbacks here do what Keras has none for."""

from hyperml_tf.callbacks.best_weights import BestWeights
from hyperml_tf.callbacks.space_board import SpaceBoard
from hyperml_tf.callbacks.stop_on_divergence import DivergedError, StopOnDivergence
from hyperml_tf.callbacks.training_progress import TrainingProgress

__all__ = ["BestWeights", "DivergedError", "SpaceBoard", "StopOnDivergence", "TrainingProgress"]
