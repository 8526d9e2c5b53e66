"""What a trial keeps of its trainings."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf.tuning.objectives import is_number


class BestEpoch(tf.keras.callbacks.Callback):
    """Saves the weights of the epoch with the best objective, and remembers its logs and the course of the objective.

    Epochs without the objective, because they were not validated, do not count; while no epoch has had it, each is saved. One
    callback serves all executions of a trial: of those the best epoch is saved.

    Args:
        objective: a `keras_tuner.Objective`.
        best: prefix of the checkpoint of the best epoch.
        last: prefix of the checkpoint of the end of training, with the optimizer; None for none.
    """

    def __init__(self, objective: Any, best: str, last: str | None = None) -> None:
        super().__init__()
        self.objective, self.best, self.last = objective, best, last
        self._best_of_all: float | None = None
        self._reset()

    def _reset(self) -> None:
        self.epoch: int | None = None
        self.logs: dict[str, float] = {}
        self.curve: list[tuple[int, float]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if not self.objective.has_value(logs):
            if self._best_of_all is None and not self.curve:
                self._save(self.best)
            return
        self.record(epoch, logs)
        value = self.curve[-1][1]
        if is_number(value) and (self._best_of_all is None or self.objective.better_than(value, self._best_of_all)):
            self._best_of_all = value
            self._save(self.best)

    def record(self, epoch: int, logs: dict[str, Any]) -> None:
        """Takes note of an epoch whose logs have the objective."""
        name, value = self.objective.name, float(self.objective.get_value(logs))
        self.curve.append((epoch, value))
        if is_number(value) and (self.epoch is None or self.objective.better_than(value, self.logs[name])):
            self.epoch, self.logs = epoch, {**{key: float(number) for key, number in logs.items()}, name: value}

    def on_train_end(self, logs: Any = None) -> None:
        if self.last is not None:
            self._save(self.last)

    def _save(self, prefix: str) -> None:
        # TensorFlow's format, because it holds the optimizer too and needs no model that is built when it is loaded.
        self.model.save_weights(prefix, save_format="tf")
