"""The decay of the learning rate within a call of `fit`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from hyperml_tf.distribution import call_in_steps


class RateDecay(tf.keras.callbacks.Callback):
    """Lets the learning rate fall linearly to 0 over the epochs of a `fit`.

    A constant rate that is large enough to learn is too large to settle. If something else changes the rate, such as another
    callback, it is left alone from then on. On parameter servers, where steps are asynchronous, it falls once an epoch.

    Args:
        optimizer: An optimizer whose learning rate is a variable.
    """

    def __init__(self, optimizer: Any) -> None:
        super().__init__()
        self._rate = optimizer.learning_rate
        self._initial = self._last = float(self._rate.numpy())
        self._epoch = 0

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        call_in_steps(self, "on_train_batch_begin", self._begin_step)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        self._fall(epoch)

    def _begin_step(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # In the first epoch of a dataset without a known cardinality, the number of steps is unknown.
        if steps := self.params.get("steps"):
            self._fall(self._epoch + batch / steps)

    def _fall(self, epochs: float) -> None:
        if self._is_ours():
            self._rate.assign(self._initial * max(0.0, 1.0 - epochs / self.params["epochs"]))
            self._last = float(self._rate.numpy())

    def _is_ours(self) -> bool:
        return float(self._rate.numpy()) == self._last

    def restore(self) -> None:
        """Sets the rate to what it was before, for the next `fit`."""
        if self._is_ours():
            self._rate.assign(self._initial)


@contextlib.contextmanager
def falling(optimizer: Any | None) -> Iterator[list[RateDecay]]:
    """Context manager of the callbacks that let the learning rate of an optimizer fall; of none, there are none."""
    if optimizer is None:
        yield []
        return
    decay = RateDecay(optimizer)
    try:
        yield [decay]
    finally:
        decay.restore()
