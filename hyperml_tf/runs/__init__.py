"""A run: a table trained on, evaluated, exported and written to one directory.

`Run` and `train_run` are loaded when they are first used, because they need TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperml_tf.settings import TrainingConfig

__all__ = ["Run", "TrainingConfig", "train_run"]

if TYPE_CHECKING:
    from hyperml_tf.runs.run import Run
    from hyperml_tf.runs.train import train_run
else:
    from hyperml_tf._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(__name__, {"Run": "run", "train_run": "train"})
