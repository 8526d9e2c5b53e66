"""What is kept of a training after each epoch, so that a run that was killed goes on as if it had not been."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.callbacks import BestWeights
from hyperml_tf.files.archives import check_archive
from hyperml_tf.files.scratch import scratch_directory
from hyperml_tf.files.whole import move_in_place_of, move_new, whole_file
from hyperml_tf.models import HyperML, load_model
from hyperml_tf.runs import layout

_MODEL, _BEST, _STATE = "model.keras", "best.npz", "state.json"


@dataclasses.dataclass(frozen=True)
class Progress:
    """The state of a training after an epoch.

    Args:
        epochs: Integer, the number of epochs that have ended.
        seconds: Float, how long they took.
        model: The model, with its optimizer.
        best_value: Float, the best value of the monitored metric so far; minus infinity if there is none.
        best_epoch: The epoch of that value, from 0, or `None`.
        best_weights: The trainable weights of that epoch.
    """

    epochs: int
    seconds: float
    model: HyperML
    best_value: float
    best_epoch: int | None
    best_weights: list[np.ndarray]

    @classmethod
    def load(cls, run: Path) -> Progress | None:
        """Reads the state of the last epoch of an unfinished run; `None` if no epoch has ended. It may come from anybody.

        Raises:
            ValueError: If it is damaged.
        """
        folder = run / layout.PROGRESS
        if not folder.is_dir():
            return None
        state = layout.read_json(folder / _STATE)
        check_archive(folder / _BEST, lambda name: name.endswith(".npy"))
        try:
            with np.load(folder / _BEST, allow_pickle=False) as stored:
                weights = [stored[f"arr_{place}"] for place in range(len(stored.files))]
            epochs, best, seconds = int(state["epochs"]), state["best_epoch"], float(state["seconds"])
            value = -math.inf if best is None else float(state["best_value"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"`{folder}` is damaged: it must hold the state of a training. Received: {error}"
            ) from error
        return cls(epochs, seconds, load_model(folder / _MODEL, kind=HyperML), value, best, weights)

    def restore(self, best: BestWeights) -> None:
        """Gives a callback the best weights so far."""
        best.best, best.best_epoch, best.weights = self.best_value, self.best_epoch, self.best_weights


class KeepProgress(tf.keras.callbacks.Callback):
    """Writes the state of a training after each epoch, in one step. It must come after the callbacks whose state it keeps.

    Args:
        run: Path of the directory of the run.
        best: The callback that knows the best weights.
        seconds: Float, how long earlier processes have trained. Defaults to `0.0`.
    """

    def __init__(self, run: Path, best: BestWeights, seconds: float = 0.0) -> None:
        super().__init__()
        self.run, self.best = run, best
        self._started = time.perf_counter() - seconds

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        target = self.run / layout.PROGRESS
        state = {
            "epochs": epoch + 1,
            "seconds": time.perf_counter() - self._started,
            "best_value": None if self.best.best_epoch is None else self.best.best,
            "best_epoch": self.best.best_epoch,
        }
        with scratch_directory(target) as scratch:
            written = scratch / "written"
            written.mkdir()
            self.model.save(written / _MODEL)
            np.savez(written / _BEST, *self.best.weights)
            (written / _STATE).write_text(json.dumps(state))
            if target.exists():
                move_in_place_of(written, target, scratch)
            else:
                move_new(written, target)


def cut_history(path: Path, epochs: int) -> None:
    """Removes the lines of epochs that a resumed training repeats."""
    if not path.is_file():
        return
    lines = path.read_text().splitlines(keepends=True)
    rows = list(csv.reader(lines))
    kept = [line for line, row in zip(lines, rows, strict=True) if row[:1] == ["epoch"] or _number(row) < epochs]
    with whole_file(path) as scratch:
        scratch.write_text("".join(kept))


def _number(row: list[str]) -> float:
    """The epoch of a line; one that was cut short belongs to the epoch that is repeated."""
    return int(row[0]) if row and row[0].isdecimal() else math.inf
