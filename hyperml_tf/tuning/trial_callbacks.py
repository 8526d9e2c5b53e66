"""The callbacks of a trial: the user's own, copied, and what ties the training to its tuner."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any

import keras_tuner
import tensorflow as tf

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end")


class EpochHooks(tf.keras.callbacks.Callback):
    """Calls the tuner's `on_epoch_begin` and `on_epoch_end`."""

    def __init__(self, tuner: Any, trial: Any) -> None:
        super().__init__()
        self.tuner, self.trial = tuner, trial

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.tuner.on_epoch_begin(self.trial, self.model, epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.tuner.on_epoch_end(self.trial, self.model, epoch, logs=logs)


class BatchHooks(EpochHooks):
    """Calls the tuner's hooks around every batch too."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.tuner.on_batch_begin(self.trial, self.model, batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        self.tuner.on_batch_end(self.trial, self.model, batch, logs)


def hooks(tuner: Any, trial: Any) -> EpochHooks:
    """The callback for a tuner's hooks; those around batches make Keras wait for every step, so only where they do something."""
    used = any(getattr(type(tuner), name) is not getattr(keras_tuner.Tuner, name) for name in _BATCH_HOOKS)
    return (BatchHooks if used else EpochHooks)(tuner, trial)


def copies(callbacks: Sequence[Any]) -> list[Any]:
    """Callbacks for one training; they may keep state in themselves.

    Raises:
        FatalValueError: if one cannot be copied.
    """
    copied = []
    for callback in callbacks:
        try:
            copied.append(copy.deepcopy(callback))
        except Exception as error:
            raise keras_tuner.errors.FatalValueError(
                "`callbacks` of a search must be copyable with `copy.deepcopy`, because each training gets its own. "
                f"Received: {callback!r}, which fails with {type(error).__name__}: {error}"
            ) from error
    return copied


def write_to_tensorboard(callbacks: list[Any], trial: Any, execution: int) -> None:
    """Gives each TensorBoard callback a directory of its own for this training, and adds one that writes the hyperparameters."""
    from tensorboard.plugins.hparams import api

    for callback in [one for one in callbacks if isinstance(one, tf.keras.callbacks.TensorBoard)]:
        callback.log_dir = os.path.join(str(callback.log_dir), str(trial.trial_id), f"execution{execution}")
        values = _hparams(trial.hyperparameters, api)
        callbacks.append(api.KerasCallback(writer=callback.log_dir, hparams=values, trial_id=trial.trial_id))


def _hparams(hyperparameters: Any, api: Any) -> dict[Any, Any]:
    """The hyperparameters with their values, as TensorBoard's HParams."""
    values = {}
    for parameter in hyperparameters.space:
        if parameter.name in hyperparameters.values and hyperparameters.is_active(parameter):
            values[api.HParam(parameter.name, _domain(parameter, api))] = hyperparameters.values[parameter.name]
    return values


def _domain(parameter: Any, api: Any) -> Any:
    types = keras_tuner.engine.hyperparameters
    if isinstance(parameter, types.Boolean):
        return api.Discrete([True, False])
    if isinstance(parameter, types.Fixed):
        return api.Discrete([parameter.value])
    if isinstance(parameter, types.Choice) or parameter.step not in (None, 1):
        return api.Discrete(list(parameter.values))
    interval = api.IntInterval if isinstance(parameter, types.Int) else api.RealInterval
    return interval(parameter.min_value, parameter.max_value)
