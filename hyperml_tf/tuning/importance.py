"""What mattered in a search: a model of the objective as a function of the hyperparameters."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras_tuner
import numpy as np
import pandas as pd

_TREES = 200
_POINTS = 25
MIN_TRIALS = 8
"""With fewer trials nothing can be said of what mattered."""


@dataclasses.dataclass(frozen=True)
class Effect:
    """One hyperparameter and what it did.

    Args:
        name: its name.
        words: its values if they are words or flags, in the order of their codes; empty for numbers.
        log: whether it was sampled by its logarithm.
        values: the value of every trial, words by their code; NaN where it was inactive.
        importance: its part of what the model explains, in [0, 1]; NaN with too few trials.
        grid, dependence: partial dependence: the mean score the model expects at some values; empty with too few trials.
    """

    name: str
    words: tuple[str, ...]
    log: bool
    values: np.ndarray
    importance: float
    grid: np.ndarray
    dependence: np.ndarray


def effects(oracle: Any, table: pd.DataFrame) -> list[Effect]:
    """The hyperparameters that were searched, those that mattered most first.

    A random forest is fitted to the trials. The importance of a hyperparameter is how much worse the forest explains them when
    its values are shuffled among the trials; the partial dependence is the forest's mean over the trials with that value put in
    all.

    Args:
        oracle: the oracle of the search.
        table: its completed trials, see `trials_table`.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    found = [one for hp in _searched(oracle) if (one := _column(hp, table)) is not None]
    if not found or len(table) < MIN_TRIALS:
        return found
    x = np.stack([_scaled(one, one.values) for one in found], axis=1)
    x = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=0).fit(x, table["score"])
    raw = permutation_importance(forest, x, table["score"], n_repeats=20, random_state=0).importances_mean
    shares = np.maximum(raw, 0) / max(np.maximum(raw, 0).sum(), 1e-12)
    done = []
    for column, (one, share) in enumerate(zip(found, shares, strict=True)):
        grid = _grid(one)
        dependence = [forest.predict(_with(x, column, value)).mean() for value in _scaled(one, grid)]
        done.append(dataclasses.replace(one, importance=float(share), grid=grid, dependence=np.array(dependence)))
    return sorted(done, key=lambda one: -one.importance)


def _searched(oracle: Any) -> list[Any]:
    fixed = keras_tuner.engine.hyperparameters.Fixed
    unique = {hp.name: hp for hp in oracle.get_space().space if not isinstance(hp, fixed) and "/" not in hp.name}
    return list(unique.values())


def _column(hp: Any, table: pd.DataFrame) -> Effect | None:
    """A hyperparameter with its values; None if it had the same value in all trials."""
    column = table[hp.name]
    if column.nunique() < 2:
        return None
    words: tuple[str, ...] = ()
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in column.dropna()):
        words = tuple(str(value) for value in getattr(hp, "values", (False, True)))
        column = column.map(lambda value: math.nan if pd.isna(value) else words.index(str(value)))
    values = column.to_numpy(float)
    choice = isinstance(hp, keras_tuner.engine.hyperparameters.Choice)
    # Numbers to choose from, such as 512, 1024, 2048, mostly grow by factors.
    log = not words and np.nanmin(values) > 0 and (choice or getattr(hp, "sampling", "") == "log")
    return Effect(hp.name, words, bool(log), values, math.nan, np.zeros(0), np.zeros(0))


def _scaled(one: Effect, values: np.ndarray) -> np.ndarray:
    return np.log(values) if one.log else values


def _grid(one: Effect) -> np.ndarray:
    known = np.unique(one.values[~np.isnan(one.values)])
    if len(known) <= _POINTS // 2:
        return known
    space = np.geomspace if one.log else np.linspace
    return space(known[0], known[-1], _POINTS)


def _with(x: np.ndarray, column: int, value: float) -> np.ndarray:
    changed = x.copy()
    changed[:, column] = value
    return changed
