"""What is kept of the training of a trial: its best epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras_tuner
import numpy as np
import tensorflow as tf

from hyperml_tf.tuning.oracles import BEST_EPOCH
from hyperml_tf.tuning.project import Curve

_NO_OBJECTIVE = keras_tuner.Oracle(seed=1).objective.name
Epoch = tuple[int, dict[str, float]]
"""The number of an epoch and its logs."""


class BestEpoch(tf.keras.callbacks.Callback):
    """Saves the weights of the epoch with the best objective, over all executions of a trial.

    Epochs without the objective, because they were not validated, do not count; until one has it, every epoch is saved.

    Args:
        objective: A `keras_tuner.Objective`.
        best: String, the checkpoint prefix for the best epoch.

    Attributes:
        last: String, the checkpoint prefix for the end of training. Defaults to `None`: no such checkpoint.
        epochs: The epochs of the current execution that have the objective, with their logs.
    """

    def __init__(self, objective: Any, best: str) -> None:
        super().__init__()
        self.objective, self.best = objective, best
        self.last: str | None = None
        self._best_value: float | None = None
        self.epochs: list[Epoch] = []

    @property
    def curve(self) -> Curve:
        """The learning curve of the current execution."""
        return [(epoch, float(self.objective.get_value(logs))) for epoch, logs in self.epochs]

    def on_train_begin(self, logs: Any = None) -> None:
        self.epochs = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = dict(logs or {})
        if not self.objective.has_value(logs):
            if self._best_value is None and not self.epochs:
                self._save(self.best)
            return
        self.epochs.append((epoch, logs))
        value = self.objective.get_value(logs)
        if np.isfinite(value) and (self._best_value is None or self.objective.better_than(value, self._best_value)):
            self._best_value = value
            self._save(self.best)

    def on_train_end(self, logs: Any = None) -> None:
        if self.last is not None:
            self._save(self.last)

    def _save(self, prefix: str) -> None:
        # The TensorFlow format: it holds the optimizer, and can be loaded into a model that is not built yet.
        self.model.save_weights(prefix, save_format="tf")


def metrics_of(returned: Any, objective: Any, epochs: Sequence[Epoch] = ()) -> Any:
    """Returns what training returned in a form that keras-tuner knows: it does not know the `History` of Keras 2.

    Args:
        returned: A `History`, a dictionary of metrics, the objective, or anything else.
        objective: A `keras_tuner.Objective`.
        epochs: The epochs that have the objective, with their logs; read from the history if there are none.

    Returns:
        For a `History` the logs of the best epoch, with the objective and, under `BEST_EPOCH`, the number of the epoch. Anything
        else is returned as it is.

    Raises:
        FatalTypeError: If there is a `History` but no objective was given.
        FatalValueError: If the objective is not among the logs.
        ValueError: If the objective is not finite, in a `History` in no epoch.
    """
    if not isinstance(returned, tf.keras.callbacks.History):
        value = returned.get(objective.name) if isinstance(returned, dict) else returned
        if isinstance(value, (int, float, np.floating)) and not np.isfinite(value):
            raise ValueError(f"`{objective.name}` must be a finite number. Received: {value}")
        return returned
    if objective.name == _NO_OBJECTIVE:
        raise keras_tuner.errors.FatalTypeError(
            "`objective` must be given unless training returns the number to minimize. Received: objective=None and a `History`"
        )
    epochs = epochs or _epochs_of(returned, objective)
    values = [float(objective.get_value(logs)) for _, logs in epochs]
    finite = [(value, *one) for value, one in zip(values, epochs, strict=True) if np.isfinite(value)]
    if not finite:
        raise _diverged(objective, f"{values[:3]}{'...' if len(values) > 3 else ''}")
    value, epoch, logs = (max if objective.direction == "max" else min)(finite, key=lambda one: one[0])
    return {**{name: float(number) for name, number in logs.items()}, objective.name: value, BEST_EPOCH: epoch}


def _epochs_of(history: Any, objective: Any) -> list[Epoch]:
    columns = history.history
    names = getattr(objective, "name_to_direction", [objective.name])
    if missing := [name for name in names if name not in columns]:
        if diverged := [name for name, values in columns.items() if not np.all(np.isfinite(values))]:
            # `TerminateOnNaN` has ended training before its first validation.
            last = f"{diverged[0]} was {columns[diverged[0]][-1]} in epoch {len(history.epoch)}, the last"
            raise _diverged(objective, f"none; {last}")
        raise keras_tuner.errors.FatalValueError(
            f"`objective` must be in the logs of `fit`, such as {sorted(columns)}. Received: {', '.join(missing)}"
        )
    count = min(len(columns[name]) for name in names)
    rows = {name: values for name, values in columns.items() if len(values) == count}
    return [
        (epoch, {name: values[row] for name, values in rows.items()})
        for row, epoch in enumerate(history.epoch[-count:])
    ]


def _diverged(objective: Any, received: str) -> ValueError:
    return ValueError(
        f"`{objective.name}` must be a finite number in at least one epoch. Received: {received}. If training diverges, try a "
        "smaller learning rate."
    )
