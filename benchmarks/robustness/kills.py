"""Kills at random moments: nothing is lost, no half file is visible, and the next process ends as if nothing had been."""

from __future__ import annotations

import json
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import commands
import numpy as np
from counts import BAD, Counts

from hyperml_tf import Run, ServedModel, synthesize
from hyperml_tf.serving import verify_export
from hyperml_tf.serving.model_card import read

TRAIN = ("--epochs", "5", "--dim", "4", "--batch-size", "256")
TUNE = ("--tuner", "random", "--max-trials", "3", "--epochs", "2")


UPDATE = ("--epochs", "4")

COMMANDS = ("train", "export", "tune", "update")


def kill(times: int, seed: int = 0, asked: Sequence[str] = COMMANDS) -> Iterator[Counts]:
    """Kills each command so many times."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        table = work / "table.csv"
        rows = synthesize(n_users=60, n_items=80, n_rows=1000, depth=2, branching=3).interactions
        rows[:-200].to_csv(table, index=False)
        rows[-200:].to_csv(work / "later.csv", index=False)
        run, search, updated = work / "run", work / "search", work / "updated"
        train, tune = ["train", table, *TRAIN, "--out"], ["tune", table, *TUNE, "--out"]
        update = ["update", run, work / "later.csv", *UPDATE, "--out"]
        undisturbed = {
            "train": [*train, run],
            "export": ["export", run, work / "models/1", "--k", 7],
            "tune": [*tune, search],
            "update": [*update, updated],
        }
        cases: dict[str, Callable[[Path, float], str]] = {
            "train": lambda out, after: _train([*train, out], out, after, run),
            "export": lambda out, after: _export(run, out, after),
            "tune": lambda out, after: _tune([*tune, out], out, after, search),
            "update": lambda out, after: _train([*update, out], out, after, updated),
        }
        draw = random.Random(seed)
        for name in COMMANDS:
            if name in asked or name == "train":  # whose run is exported and updated
                _run(undisturbed[name])
                shutil.rmtree(undisturbed[name][-1] if name != "export" else work / "models")
                seconds = _run(undisturbed[name])  # without what the first process of all does once
            if name in asked:
                yield _repeat(name, times, seconds, draw, work, cases[name])


def _repeat(
    name: str, times: int, seconds: float, draw: random.Random, work: Path, case: Callable[[Path, float], str]
) -> Counts:
    counts = Counts(f"Killed {name}")
    for number in range(times):
        folder, after = work / f"{name}{number}", draw.uniform(0.05, 0.95) * seconds
        folder.mkdir()
        counts.add(case(folder / "out", after), f"killed after {after:.1f} of {seconds:.1f} s")
        shutil.rmtree(folder)
    return counts


def _train(command: list[Any], out: Path, after: float, undisturbed: Path) -> str:
    if not _killed(command, after):
        return "had finished before"
    finished, epochs = (out / "metrics.json").exists(), _epochs(out)
    if finished:
        Run.load(out).evaluate()
    elif _run([*command, "--resume"], check=False) is None:
        return f"{BAD}cannot be resumed"
    if _result(out) != _result(undisturbed):
        return f"{BAD}another result than without the kill"
    # A process that is killed once it has finished leaves its state, until the directory is removed.
    state = "after it had finished" if finished else f"in epoch {epochs + 1}"
    return f"{BAD}something is left" if not finished and _left(out.parent) else f"the same metrics, killed {state}"


def _epochs(run: Path) -> int:
    """How many epochs of a run have ended."""
    state = run / "progress/state.json"
    return json.loads(state.read_text())["epochs"] if state.is_file() else 0


def _result(run: Path) -> Any:
    """The metrics of a run, its weights, and what its export answers; or what is wrong with the export."""
    metrics = json.loads((run / "metrics.json").read_text())
    metrics.pop("seconds")
    export = run / "saved_model/1"
    if differences := verify_export(export):
        return differences
    served = ServedModel(export)
    answers = [np.asarray(value).tolist() for value in served.recommend([f"user_{n:05d}" for n in range(5)])]
    weights = [value.tobytes() for value in Run.load(run).model.get_weights()]
    return metrics, (run / "history.csv").read_text(), answers, weights


def _tune(command: list[Any], out: Path, after: float, undisturbed: Path) -> str:
    if not _killed(command, after):
        return "had finished before"
    if _run(command, check=False) is None:
        return f"{BAD}cannot be resumed"
    best = [json.loads((path / "best.json").read_text()) for path in (out, undisturbed)]
    if best[0] != best[1]:
        return f"{BAD}another best trial than without the kill"
    return f"{BAD}something is left" if _left(out.parent) else "goes on to the same best trial"


def _export(run: Path, out: Path, after: float) -> str:
    target = out / "1"
    shutil.copytree(run.parent / "models", out)
    if not _killed(["export", run, target, "--k", 9, "--overwrite"], after):
        return "had finished before"
    if verify_export(target):
        return f"{BAD}neither the old nor the new export"
    state = "the old" if read(target)["serving"]["k"] == 7 else "the new"
    if _run(["export", run, target, "--k", 9, "--overwrite"], check=False) is None:
        return f"{BAD}cannot be exported again"
    return f"{BAD}something is left" if _left(out) else f"{state} export is there"


def _left(path: Path) -> list[Path]:
    """Scratch directories and locks; a search keeps one of its own."""
    return [found for found in path.rglob(".*") if found.name != ".DS_Store"]


def _killed(command: list[Any], after: float) -> bool:
    """Starts a command, and kills it after so many seconds. Returns whether it was still running."""
    return commands.Command(command).end(after).code == -signal.SIGKILL


def _run(command: list[Any], check: bool = True) -> Any:
    """Runs a command to its end; returns its seconds, or `None` if it failed."""
    ended = commands.run(*command)
    if ended.code == 0:
        return ended.seconds
    if check:
        raise RuntimeError(ended.said[-2000:])
    print(ended.said[-500:])
    return None
