"""One execution of a trial: its model, and the callbacks of its training."""

from __future__ import annotations

import copy
import functools
import gc
import math
import os
from collections.abc import Sequence
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.engine.tuner import maybe_distribute


def build_model(tuner: Any, hyperparameters: Any) -> Any:
    """Builds the model of a trial, compiled with the arguments that the tuner overrides, after freeing the earlier ones.

    Raises:
        FatalTypeError: If the hypermodel does not return a Keras 2 model.
        FailedTrialError: If the model is larger than `max_model_size`.
    """
    tf.keras.backend.clear_session()
    gc.collect()
    with maybe_distribute(tuner.distribution_strategy):
        model = tuner.hypermodel.build(hyperparameters)
        if not isinstance(model, tf.keras.Model):
            raise keras_tuner.errors.FatalTypeError(_not_a_model(model))
        _override_compile(model, tuner.optimizer, tuner.loss, tuner.metrics)
    size = sum(math.prod(weight.shape) for weight in model.trainable_weights) if model.built else 0
    if tuner.max_model_size and size > tuner.max_model_size:
        raise keras_tuner.errors.FailedTrialError(
            f"The model has {size} parameters, more than `max_model_size`. Received: max_model_size={tuner.max_model_size}"
        )
    return model


def _not_a_model(model: Any) -> str:
    text = "`build` of the hypermodel must return a Keras 2 model, one of `tf.keras` or TensorFlow Recommenders."
    if any(cls.__module__.split(".")[0] == "keras" for cls in type(model).__mro__):
        text += " This one is of Keras 3: write `from tensorflow import keras` in place of `import keras`."
    return f"{text} Received: {model!r} of {type(model)}"


def _override_compile(model: Any, optimizer: Any, loss: Any, metrics: Any) -> None:
    if not (optimizer or loss or metrics):
        return
    if optimizer is not None and not isinstance(optimizer, str):
        # An optimizer serves one model only.
        optimizer = tf.keras.optimizers.deserialize(tf.keras.optimizers.serialize(optimizer))
    compiled = [metric for metric in model.metrics if metric.name != "loss"]
    model.compile(optimizer=optimizer or model.optimizer, loss=loss or model.loss, metrics=metrics or compiled)


def copy_callbacks(callbacks: Sequence[Any], trial: Any, execution: int) -> list[Any]:
    """Copies the callbacks that were given to `search`, for one execution of a trial.

    A `TensorBoard` callback gets a directory of its own, to which the hyperparameters are written too.

    Raises:
        FatalValueError: If they cannot be copied.
    """
    try:
        copied = copy.deepcopy(list(callbacks))
    except Exception as error:
        raise keras_tuner.errors.FatalValueError(
            "`callbacks` must be copyable with `copy.deepcopy`, because each execution of a trial gets its own. "
            f"Received: {callbacks}, which fails with {type(error).__name__}: {error}"
        ) from error
    for callback in [one for one in copied if isinstance(one, tf.keras.callbacks.TensorBoard)]:
        from tensorboard.plugins.hparams import api

        callback.log_dir = os.path.join(str(callback.log_dir), str(trial.trial_id), f"execution{execution}")
        values = dict(trial.hyperparameters.values)
        copied.append(api.KerasCallback(writer=callback.log_dir, hparams=values, trial_id=trial.trial_id))
    return copied


class TunerHooks(tf.keras.callbacks.Callback):
    """Calls the hooks of a tuner, such as `on_epoch_end`.

    Hooks around batches make Keras wait for every step: they are only called where a subclass overrides them.

    Args:
        tuner: A `keras_tuner.Tuner`.
        trial: The trial that is trained.
    """

    def __init__(self, tuner: Any, trial: Any) -> None:
        super().__init__()
        self.tuner, self.trial = tuner, trial
        for hook in ("on_batch_begin", "on_batch_end"):
            if getattr(type(tuner), hook) is not getattr(keras_tuner.Tuner, hook):
                setattr(self, hook, functools.partial(self._on_batch, getattr(tuner, hook)))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.tuner.on_epoch_begin(self.trial, self.model, epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.tuner.on_epoch_end(self.trial, self.model, epoch, logs=logs)

    def _on_batch(self, hook: Any, batch: int, logs: Any = None) -> None:
        hook(self.trial, self.model, batch, logs)
