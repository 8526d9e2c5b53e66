"""Runs: training on a table, evaluation and export, in one directory.

`Run` and `train_run` are imported lazily, because they require TensorFlow.
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
