"""The best trials of a hyperparameter search, as a table in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

ROWS = 10
"""Number of trials that are shown."""


def finished_search(trials: pd.DataFrame, objective: str) -> Table:
    """Returns a table of the best trials of a search, with the hyperparameters in which trials differ.

    Args:
        trials: All trials, best first, see `hyperml_tf.tuning.analysis.trials_table`.
        objective: String, the name of the objective.
    """
    # Not at the top of the file, because it loads TensorFlow.
    from hyperml_tf.tuning.analysis import COLUMNS

    done = trials[trials["status"] == "completed"]
    varied = [name for name in trials.columns[len(COLUMNS) :] if trials[name].nunique() > 1]
    rows = [
        (row["trial"], row["score"], int(row["epoch"]), {name: row[name] for name in varied})
        for _, row in done.head(ROWS).iterrows()
    ]
    failed = int((trials["status"] == "failed").sum())
    return best_trials(rows, objective, f"Best of {len(done)} trials" + (f"; {failed} more failed" if failed else ""))


def best_trials(rows: Iterable[tuple[Any, float, int, Mapping[str, Any]]], objective: str, title: str) -> Table:
    """Returns a table with a row for each trial.

    Args:
        rows: The id, score, best epoch (from 1) and hyperparameters of each trial.
        objective: String, the name of the objective.
        title: String, the title of the table.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("trial", justify="right")
    table.add_column(objective, justify="right")
    table.add_column("epoch", justify="right")
    table.add_column("hyperparameters")
    for trial, score, epoch, values in rows:
        table.add_row(str(trial), f"{score:.4f}", str(epoch), Text(in_words(values)))
    return table


def in_words(values: Mapping[str, Any]) -> str:
    """Returns hyperparameters as text, such as "dim 32, learning_rate 0.05"."""
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )
