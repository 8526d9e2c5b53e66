"""A run: a table trained on, evaluated, exported and written to one directory."""

from hyperml_tf.runs.run import Run
from hyperml_tf.runs.train import train_run
from hyperml_tf.runs.training_config import TrainingConfig

__all__ = ["Run", "TrainingConfig", "train_run"]
