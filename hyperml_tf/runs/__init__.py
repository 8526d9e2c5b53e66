"""A run: a table trained on, evaluated, exported and written to one directory.

The names are loaded when they are first used: the command line shows the defaults of `TrainingConfig` without TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Run", "TrainingConfig", "train_run"]

if TYPE_CHECKING:
    from hyperml_tf.runs.run import Run
    from hyperml_tf.runs.train import train_run
    from hyperml_tf.runs.training_config import TrainingConfig
else:
    from hyperml_tf._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__, {"Run": "run", "TrainingConfig": "training_config", "train_run": "train"}
    )
