"""Callbacks after training steps, where a strategy of `tf.distribute` allows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hyperml_tf.models.parameter_servers import has_workers


def call_after_steps(callback: Any, function: Callable[[int, dict[str, Any] | None], None]) -> None:
    """Makes a function the `on_train_batch_end` of a Keras callback, unless its model is trained on parameter servers.

    There the coordinator does not wait for steps, so that Keras refuses callbacks that have an `on_train_batch_end`.

    Args:
        callback: A `tf.keras.callbacks.Callback` without an `on_train_batch_end`, whose model is set.
        function: Function of the number of the step and of its logs.
    """
    if has_workers(callback.model.distribute_strategy):
        vars(callback).pop("on_train_batch_end", None)
    else:
        callback.on_train_batch_end = function
