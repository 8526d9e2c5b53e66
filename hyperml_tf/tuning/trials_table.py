"""The trials of a search as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
from keras_tuner.engine.trial import TrialStatus

from hyperml_tf.tuning import failures

OWN = ("trial", "status", "score", "epoch", "cause")
"""The columns before those of the hyperparameters."""


def trials_table(oracle: Any) -> pd.DataFrame:
    """A row a trial, best first, then those that failed and those that still run.

    Args:
        oracle: a `keras_tuner.Oracle`.

    Returns:
        A frame with the columns `trial`, `status`, `score` (of the objective), `epoch` (the best one, counted from 1), `cause`
        (of a failure) and one a hyperparameter.
    """
    names = [
        name for name in dict.fromkeys(hp.name for hp in oracle.get_space().space) if not name.startswith("tuner/")
    ]
    rows = []
    for trial in oracle.trials.values():
        done, failed = trial.status == TrialStatus.COMPLETED, trial.status == TrialStatus.FAILED
        rows.append(
            {
                "trial": trial.trial_id,
                "status": trial.status.lower(),
                "score": float(trial.score) if done else None,
                "epoch": trial.best_step + 1 if done else None,
                "cause": failures.cause(trial) if failed else None,
                **{name: trial.hyperparameters.values.get(name) for name in names},
            }
        )
    table = pd.DataFrame(rows, columns=[*OWN, *names]).astype({"score": float, "epoch": "Int64"})
    return table.sort_values("score", ascending=oracle.objective.direction == "min", kind="stable", ignore_index=True)
