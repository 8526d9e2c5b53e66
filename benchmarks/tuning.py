"""Tunes one model on one split, trains it with several seeds, and stores its runs."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import results
from contenders import Contender, Overrides
from fitting import Settings

from hyperml_tf.runs.held_out import HeldOut, MakeScorer

TUNING_SEED = 0


@dataclasses.dataclass(frozen=True)
class Task:
    """A model on one split of one table.

    Args:
        folder: The directory for its runs.
        contender: The model.
        held_out: The split and its negatives.
        trials: Integer, the number of trials of a model that is tuned.
        criterion: String, the validation metric by which the best trial is selected.
        overrides: Other arguments of the program.
        facts: Facts about the data and the protocol, to be stored.
        log: Called with a line of text after each step.
    """

    folder: Path
    contender: Contender
    held_out: HeldOut
    trials: int
    criterion: str
    overrides: Overrides
    facts: dict[str, Any]
    log: Callable[[str], None]

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments that must be equal for runs to be comparable."""
        tuned = {"trials": self.trials, "criterion": self.criterion} if self.contender.grid else {}
        return {
            "table": self.facts["fingerprint"],
            "test_history": self.facts["test_history"],
            **tuned,
            "overrides": self.contender.overrides(self.overrides),
        }


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained model, its validation metrics and the time it took."""

    settings: Settings
    scorer: MakeScorer
    validation: dict[str, float]
    seconds: float
    cpu_seconds: float

    def record(self) -> dict[str, Any]:
        """Returns what is stored of a trial."""
        return {
            "settings": dict(self.settings),
            "validation": self.validation,
            "seconds": round(self.seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "notes": self.notes,
        }

    @property
    def notes(self) -> dict[str, Any]:
        """What a model that is trained in another process tells of its training."""
        return getattr(getattr(self.scorer, "__self__", None), "notes", {})


def run(task: Task, seeds: list[int]) -> None:
    """Tunes on validation rows with seed 0, trains with the best settings and every seed, and evaluates each run once.

    Stored results are not computed again. The best trial is the run of seed 0: it is not trained again, unless the process that
    tuned was killed.

    Raises:
        ValueError: If the directory holds runs with other arguments, or if the grid has fewer settings than `trials`.
    """
    seeds = [TUNING_SEED] if task.contender.deterministic else seeds
    trials = _stored_trials(task)
    missing = [seed for seed in seeds if not results.is_finished(task.folder, seed)]
    if not missing:
        task.log("finished before")
        return
    winner = _tune(task, trials) if task.contender.grid else None
    settings = max(trials, key=lambda trial: _value(trial, task.criterion))["settings"] if trials else {}
    for seed in missing:
        reused = seed == TUNING_SEED and winner is not None and winner.settings == settings
        trained = winner if reused and winner is not None else _train(task, seed, settings)
        _store(task, seed, trained, trials)


def _stored_trials(task: Task) -> list[dict[str, Any]]:
    """Returns the trials of an earlier process, after a comparison of its arguments; the first process stores them."""
    path = task.folder / "trials.json"
    if not path.is_file():
        results.write_json(path, {"asked": task.asked, "trials": []})
        return []
    stored = json.loads(path.read_text())
    if stored["asked"] != json.loads(json.dumps(task.asked)):
        raise ValueError(
            f"`out` must hold runs of the same table and options, or none: {task.folder} holds runs of {stored['asked']}. "
            f"Received: {task.asked}"
        )
    return stored["trials"]


def _tune(task: Task, trials: list[dict[str, Any]]) -> Trained | None:
    """Runs the trials that are missing, appends them to the list, and returns the best of them."""
    if task.trials > len(task.contender.grid):
        raise ValueError(
            f"`trials` must be at most {len(task.contender.grid)}, the settings that {task.contender.title} has. "
            f"Received: trials={task.trials}"
        )
    best: Trained | None = None
    for settings in task.contender.grid[len(trials) : task.trials]:
        trained = _train(task, TUNING_SEED, settings)
        trials.append(trained.record())
        results.write_json(task.folder / "trials.json", {"asked": task.asked, "trials": trials})
        task.log(f"trial {len(trials)} of {task.trials}: {_shown(settings)}: {_line(trained, task.criterion)}")
        if best is None or _value(trained.record(), task.criterion) > _value(best.record(), task.criterion):
            best = trained
    return best


def _train(task: Task, seed: int, settings: Settings) -> Trained:
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    scorer = task.contender.train(task.held_out, seed, {**task.asked["overrides"], **settings})
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu_started
    return Trained(settings, scorer, results.validation_metrics(scorer, task.held_out), seconds, cpu_seconds)


def _cpu_seconds() -> float:
    """CPU time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _store(task: Task, seed: int, trained: Trained, trials: list[dict[str, Any]]) -> None:
    facts = {
        **task.facts,
        "title": task.contender.title,
        "kind": task.contender.kind,
        "knows_order": task.held_out.order in task.contender.knows_order,
        "knows_history": task.contender.knows_history,
        "seed": seed,
        "overrides": task.asked["overrides"],
        **trained.record(),
        "trials": trials,
    }
    arrays = results.arrays_of_test(trained.scorer, task.held_out, task.facts["test_history"])
    results.store(task.folder, seed, results.StoredRun(facts, arrays))
    task.log(f"seed {seed}: {_shown(trained.settings)}: {_line(trained, task.criterion)}")


def _value(trial: dict[str, Any], criterion: str) -> float:
    value = trial["validation"][criterion]
    return value if np.isfinite(value) else -np.inf


def _shown(settings: Settings) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items()) or "defaults"


def _line(trained: Trained, criterion: str) -> str:
    return f"validation {criterion} {trained.validation[criterion]:.4f}, {trained.seconds:.1f} s"
