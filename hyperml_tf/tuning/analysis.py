"""What a search has found: its trials as a table, and the effect of each hyperparameter on the objective."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras_tuner
import numpy as np
import pandas as pd
from keras_tuner.engine.trial import TrialStatus

from hyperml_tf.tuning import failures

COLUMNS = ("trial", "status", "score", "epoch", "cause")
"""The columns before those of the hyperparameters."""
_TREES, _GRID = 200, 25
MIN_TRIALS = 8
"""With fewer trials no importance is estimated."""


def trials_table(oracle: Any) -> pd.DataFrame:
    """Returns the trials of a search as a table.

    Args:
        oracle: A `keras_tuner.Oracle`.

    Returns:
        A data frame with a row for each trial, the best first, those that have failed or still run last. Its columns are `trial`,
        `status`, `score` (the objective), `epoch` (the best one, counted from 1), `cause` (of a failure), and one for each
        hyperparameter.
    """
    names = list(dict.fromkeys(hp.name for hp in oracle.get_space().space))
    rows = []
    for trial in oracle.trials.values():
        values = trial.hyperparameters.values
        row = {"trial": trial.trial_id, "status": trial.status.lower(), **{name: values.get(name) for name in names}}
        if trial.status == TrialStatus.COMPLETED:
            row |= {"score": float(trial.score), "epoch": trial.best_step + 1}
        elif trial.status == TrialStatus.FAILED:
            row["cause"] = failures.cause(trial)
        rows.append(row)
    table = pd.DataFrame(rows, columns=[*COLUMNS, *names]).astype({"score": float, "epoch": "Int64"})
    return table.sort_values("score", ascending=oracle.objective.direction == "min", kind="stable", ignore_index=True)


@dataclasses.dataclass(frozen=True)
class Effect:
    """A hyperparameter and its effect on the objective.

    Args:
        name: String.
        labels: Its values if they are strings or booleans, in the order of their codes; empty for numbers.
        log: Boolean, whether its scale is logarithmic.
        values: Float array, the value in each trial, labels by their code. NaN where it was not active.
        importance: Float in [0, 1], its share in what a random forest explains. NaN with too few trials.
        grid: Float array, some of its values. Empty with too few trials.
        dependence: Float array, the partial dependence: the mean score that the forest expects at the values of `grid`.
    """

    name: str
    labels: tuple[str, ...]
    log: bool
    values: np.ndarray
    importance: float = math.nan
    grid: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    dependence: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))


def effects(oracle: Any, table: pd.DataFrame) -> list[Effect]:
    """Estimates what each hyperparameter that differs between trials has done, by a random forest of the trials.

    The importance of a hyperparameter is how much worse the forest predicts if its values are permuted among the trials.

    Args:
        oracle: The oracle of the search.
        table: Its completed trials, see `trials_table`.

    Returns:
        The effects, the most important first.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import partial_dependence, permutation_importance

    hyperparameters = {hp.name: hp for hp in oracle.get_space().space if table[hp.name].nunique() > 1}
    found = [_effect(hp, table[name]) for name, hp in hyperparameters.items()]
    if not found or len(table) < MIN_TRIALS:
        return found
    x = np.stack([np.log(one.values) if one.log else one.values for one in found], axis=1)
    x = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=0).fit(x, table["score"])
    permuted = permutation_importance(forest, x, table["score"], n_repeats=20, random_state=0)
    importances = np.maximum(permuted.importances_mean, 0)
    estimated = []
    for column, (one, importance) in enumerate(zip(found, importances / max(importances.sum(), 1e-12), strict=True)):
        curve = partial_dependence(forest, x, [column], percentiles=(0, 1), grid_resolution=_GRID, method="brute")
        grid = np.exp(curve["grid_values"][0]) if one.log else curve["grid_values"][0]
        estimated.append(
            dataclasses.replace(one, importance=float(importance), grid=grid, dependence=curve["average"][0])
        )
    return sorted(estimated, key=lambda one: -one.importance)


def _effect(hp: Any, column: pd.Series) -> Effect:
    labels: tuple[str, ...] = ()
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in column.dropna()):
        labels = tuple(map(str, hp.values))
        column = column.map(lambda value: math.nan if pd.isna(value) else labels.index(str(value)))
    values = column.to_numpy(float)
    # Numbers to choose from, such as 512, 1024, 2048, mostly grow by factors.
    choice = isinstance(hp, keras_tuner.engine.hyperparameters.Choice)
    log = not labels and np.nanmin(values) > 0 and (choice or getattr(hp, "sampling", "") == "log")
    return Effect(hp.name, labels, bool(log), values)
