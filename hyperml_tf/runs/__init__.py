"""Runs: training on a table, evaluation and export, in one directory.

The names other than `TrainingConfig` are imported lazily, because they require TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperml_tf.settings import TrainingConfig

__all__ = ["Evaluation", "Run", "TrainingConfig", "cross_validate", "train_run", "update_run"]

if TYPE_CHECKING:
    from hyperml_tf.runs.crossvalidation import cross_validate
    from hyperml_tf.runs.evaluation import Evaluation
    from hyperml_tf.runs.run import Run
    from hyperml_tf.runs.train import train_run
    from hyperml_tf.runs.updating import update_run
else:
    from hyperml_tf._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Evaluation": "evaluation",
            "Run": "run",
            "cross_validate": "crossvalidation",
            "train_run": "train",
            "update_run": "updating",
        },
    )
