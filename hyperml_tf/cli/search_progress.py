"""The progress of a hyperparameter search, in a terminal."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

_ROWS = 10


class SearchProgress:
    """A live table of the best trials with the progress of the current one below; without a terminal, a line for each trial.

    To be used as a context manager, and as the `listener` of a tuner.

    Args:
        console: The `rich` console to draw on.
        max_trials: Integer, the number of trials; `None` if it is not known.
    """

    def __init__(self, console: Console, max_trials: int | None) -> None:
        self.console, self.max_trials = console, max_trials
        self._started: dict[str, float] = {}
        self._trials: list[Any] = []
        self._state = Text("Reading the table")
        self._objective: Any = None
        self._live = Live(console=console, refresh_per_second=4, redirect_stdout=False, redirect_stderr=False)

    def __enter__(self) -> SearchProgress:
        if self.console.is_terminal:
            self._live.start()
            self._draw()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live.is_started:
            # The final table replaces this one.
            self._live.update(Text(""))
            self._live.stop()

    def on_trial_begin(self, oracle: Any, trial: Any) -> None:
        """Shows that a trial starts."""
        self._update(oracle)
        self._started[trial.trial_id] = time.monotonic()
        self._say(f"trial {len(oracle.trials)}{self._of()} starts")

    def on_epoch_end(self, trial: Any, epoch: int, logs: dict[str, Any]) -> None:
        """Shows the objective after an epoch of a trial."""
        name = getattr(self._objective, "name", "")
        value = f", {name} {logs[name]:.4f}" if name in logs else ""
        self._say(f"trial {len(self._trials)}{self._of()}, epoch {epoch + 1}{value}")

    def on_trial_end(self, oracle: Any, trial: Any) -> None:
        """Shows the result of a trial, if it has one."""
        self._update(oracle)
        seconds = time.monotonic() - self._started.get(trial.trial_id, time.monotonic())
        if not self.console.is_terminal and trial.score is not None:
            self.console.print(
                f"Trial {trial.trial_id}: {oracle.objective.name} {trial.score:.4f}, {seconds:.0f} s, {_values(trial)}",
                soft_wrap=True,
            )
        self._draw()

    def _update(self, oracle: Any) -> None:
        self._objective, self._trials = oracle.objective, list(oracle.trials.values())
        self.max_trials = oracle.max_trials or self.max_trials

    def _of(self) -> str:
        return "" if self.max_trials is None else f" of {self.max_trials}"

    def _say(self, text: str) -> None:
        failed = sum(trial.status == "FAILED" for trial in self._trials)
        self._state = Text(text + (f"; {failed} failed" if failed else ""))
        self._draw()

    def _draw(self) -> None:
        if not self._live.is_started:
            return
        done = [trial for trial in self._trials if trial.status == "COMPLETED"]
        done.sort(key=lambda trial: trial.score, reverse=getattr(self._objective, "direction", "max") == "max")
        rows = [(trial.trial_id, trial.score, trial.best_step + 1, _values(trial)) for trial in done[:_ROWS]]
        table = _table(rows, getattr(self._objective, "name", ""), f"Best of {len(done)} trials")
        self._live.update(Group(table, self._state) if rows else self._state)

    def final_table(self, trials: pd.DataFrame, objective: str) -> Table:
        """Returns a table of the best trials.

        Args:
            trials: All trials, see `trials_table`.
            objective: String, the name of the objective.
        """
        done = trials[trials["status"] == "completed"]
        from hyperml_tf.tuning.analysis import COLUMNS

        varied = [name for name in trials.columns[len(COLUMNS) :] if trials[name].nunique() > 1]
        rows = [
            (row["trial"], row["score"], int(row["epoch"]), ", ".join(_pair(name, row[name]) for name in varied))
            for _, row in done.head(_ROWS).iterrows()
        ]
        failed = int((trials["status"] == "failed").sum())
        return _table(rows, objective, f"Best of {len(done)} trials" + (f"; {failed} more failed" if failed else ""))


def _table(rows: list[tuple[Any, float, int, str]], objective: str, title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("trial", justify="right")
    table.add_column(objective, justify="right")
    table.add_column("epoch", justify="right")
    table.add_column("hyperparameters")
    for trial, score, epoch, values in rows:
        table.add_row(str(trial), f"{score:.4f}", str(epoch), Text(values))
    return table


def _values(trial: Any) -> str:
    values = trial.hyperparameters.values
    return ", ".join(_pair(name, value) for name, value in values.items() if not name.startswith("tuner/"))


def _pair(name: str, value: Any) -> str:
    return f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
