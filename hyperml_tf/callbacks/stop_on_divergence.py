"""A callback that ends a training whose numbers are no longer finite."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.distribution import call_in_steps


class DivergedError(ValueError):
    """The loss or the weights of a training are no longer finite.

    Args:
        message: String, what happened and what to change.
        epoch: Integer, the epoch in which it happened, from 0.

    Example:

    >>> DivergedError("The loss is nan.", epoch=2).epoch
    2
    """

    def __init__(self, message: str, epoch: int) -> None:
        super().__init__(message)
        self.epoch = epoch


@names_arguments
class StopOnDivergence(tf.keras.callbacks.Callback):
    """Raises an error when the loss is NaN or infinite, or when weights are at the end of an epoch.

    `tf.keras.callbacks.TerminateOnNaN` ends training as if it had been complete; this callback says what happened. It checks the
    loss after each execution of steps, which costs nothing, and the trainable weights once an epoch; on parameter servers, where
    steps are asynchronous, both once an epoch.

    Example:

    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    >>> model.compile(tf.keras.optimizers.SGD(1e30), "mse")
    >>> try:
    ...     history = model.fit(tf.ones([64, 2]), tf.zeros([64, 1]), epochs=3, verbose=0, callbacks=[StopOnDivergence()])
    ... except DivergedError as error:
    ...     print(error.epoch)
    0
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def set_model(self, model: Any) -> None:
        """Sets the model, as Keras does. Unless it is on parameter servers, each execution of steps is checked."""
        super().set_model(model)
        call_in_steps(self, "on_train_batch_end", self._check_loss)

    def _check_loss(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            raise self._diverged(f"the loss is {float(loss)}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check_loss(-1, logs)
        for variable in self.model.trainable_variables:
            if variable.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(variable))):
                raise self._diverged(f"the weights {variable.name!r} are not finite")

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"Training diverged in epoch {self._epoch + 1}: {what}. Use a smaller learning rate, or check the features that the "
            "model is given.",
            self._epoch,
        )
