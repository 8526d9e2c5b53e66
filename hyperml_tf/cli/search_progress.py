"""The progress of a hyperparameter search, in a terminal."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hyperml_tf.cli.trials_table import ROWS, best_trials, in_words


class SearchProgress:
    """A live table of the best trials, with the progress of the current one below. Without a terminal, a line for each trial.

    It is a context manager, and the `listener` of a tuner.

    Args:
        console: The `rich` console to draw on.
        max_trials: Optional integer, the number of trials, or `None` if it is not known yet.
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
            # The table of the finished search takes its place.
            self._live.update(Text(""))
            self._live.stop()

    def on_trial_begin(self, oracle: Any, trial: Any) -> None:
        """Shows that a trial starts."""
        self._update(oracle)
        self._started[trial.trial_id] = time.monotonic()
        self._show(f"trial {len(oracle.trials)}{self._out_of()} starts")

    def on_epoch_end(self, trial: Any, epoch: int, logs: dict[str, Any]) -> None:
        """Shows the objective after an epoch of a trial."""
        name = getattr(self._objective, "name", "")
        value = f", {name} {logs[name]:.4f}" if name in logs else ""
        self._show(f"trial {len(self._trials)}{self._out_of()}, epoch {epoch + 1}{value}")

    def on_trial_end(self, oracle: Any, trial: Any) -> None:
        """Shows the result of a trial, if it has one."""
        self._update(oracle)
        seconds = time.monotonic() - self._started.get(trial.trial_id, time.monotonic())
        if not self.console.is_terminal and trial.score is not None:
            self.console.print(
                f"Trial {trial.trial_id}: {oracle.objective.name} {trial.score:.4f}, {seconds:.0f} s, {in_words(_values(trial))}",
                soft_wrap=True,
            )
        self._draw()

    def _update(self, oracle: Any) -> None:
        self._objective, self._trials = oracle.objective, list(oracle.trials.values())
        self.max_trials = oracle.max_trials or self.max_trials

    def _out_of(self) -> str:
        return "" if self.max_trials is None else f" of {self.max_trials}"

    def _show(self, text: str) -> None:
        failed = sum(trial.status == "FAILED" for trial in self._trials)
        self._state = Text(text + (f"; {failed} failed" if failed else ""))
        self._draw()

    def _draw(self) -> None:
        if not self._live.is_started:
            return
        done = [trial for trial in self._trials if trial.status == "COMPLETED"]
        done.sort(key=lambda trial: trial.score, reverse=getattr(self._objective, "direction", "max") == "max")
        rows = [(trial.trial_id, trial.score, trial.best_step + 1, _values(trial)) for trial in done[:ROWS]]
        table = best_trials(rows, getattr(self._objective, "name", ""), f"Best of {len(done)} trials")
        self._live.update(Group(table, self._state) if rows else self._state)


def _values(trial: Any) -> dict[str, Any]:
    """The hyperparameters of a trial, without those that keras-tuner adds."""
    values = trial.hyperparameters.values
    return {name: value for name, value in values.items() if not name.startswith("tuner/")}
