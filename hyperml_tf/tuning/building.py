"""From hyperparameters to a compiled model."""

from __future__ import annotations

import gc
import math
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.engine.tuner import maybe_distribute


def forget_earlier_models() -> None:
    """Frees what the models of earlier trials hold."""
    tf.keras.backend.clear_session()
    gc.collect()


def build(tuner: Any, hyperparameters: Any) -> Any:
    """The model of a hypermodel, compiled with what the tuner overrides.

    Args:
        tuner: a tuner with the attributes of `keras_tuner.Tuner`.
        hyperparameters: their values.

    Raises:
        FatalTypeError: if it is not a Keras 2 model.
        FailedTrialError: if it is larger than `max_model_size`.
    """
    with maybe_distribute(tuner.distribution_strategy):
        model = tuner.hypermodel.build(hyperparameters)
        if not isinstance(model, tf.keras.Model):
            raise keras_tuner.errors.FatalTypeError(_not_a_model(model))
        _compile(model, tuner.optimizer, tuner.loss, tuner.metrics)
    size = sum(math.prod(weight.shape) for weight in model.trainable_weights) if model.built else 0
    if tuner.max_model_size and size > tuner.max_model_size:
        raise keras_tuner.errors.FailedTrialError(
            f"The model has {size} parameters, more than `max_model_size`. Received: max_model_size={tuner.max_model_size}"
        )
    return model


def _not_a_model(model: Any) -> str:
    text = "`build` of the hypermodel must return a Keras 2 model, one of `tf.keras` or TensorFlow Recommenders."
    if type(model).__module__.split(".")[0] == "keras" or any(
        c.__module__.startswith("keras.") for c in type(model).__mro__
    ):
        text += " This one is of Keras 3: write `from tensorflow import keras` in place of `import keras`."
    return f"{text} Received: {model!r} of {type(model)}"


def _compile(model: Any, optimizer: Any, loss: Any, metrics: Any) -> None:
    """Compiles the model anew where the tuner was given an optimizer, a loss or metrics."""
    if not (optimizer or loss or metrics):
        return
    if optimizer is not None and not isinstance(optimizer, str):
        # Each model needs an optimizer of its own.
        optimizer = tf.keras.optimizers.deserialize(tf.keras.optimizers.serialize(optimizer))
    own = [metric for metric in model.metrics if metric.name != "loss"]
    model.compile(optimizer=optimizer or model.optimizer, loss=loss or model.loss, metrics=metrics or own)
