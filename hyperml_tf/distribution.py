"""What differs under the strategies of `tf.distribute`: tables in shards, and steps that other processes run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import tensorflow as tf


def has_workers(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether the workers of a `ParameterServerStrategy` run the training steps, and not this process.

    Example:

    >>> has_workers(tf.distribute.get_strategy())
    False
    """
    return isinstance(strategy, tf.distribute.ParameterServerStrategy)


def shards(variable: Any) -> list[Any]:
    """Returns the variables that hold the rows of a variable: itself, or its shards if it is a `ShardedVariable`.

    Args:
        variable: `tf.Variable` or `ShardedVariable`.

    Example:

    >>> len(shards(tf.Variable([0.0])))
    1
    """
    return [variable] if isinstance(variable, tf.Variable) else list(variable.variables)


def call_in_steps(
    callback: Any,
    hook: Literal["on_train_batch_begin", "on_train_batch_end"],
    function: Callable[[int, dict[str, Any] | None], None],
) -> None:
    """Makes a function a batch hook of a Keras callback, unless its model is trained on parameter servers.

    There the coordinator does not wait for steps, so that Keras refuses callbacks whose class has a batch hook.

    Args:
        callback: A `tf.keras.callbacks.Callback` whose model is set, and whose class does not have the hook.
        hook: String, the name of the hook.
        function: Function of the number of the step and of its logs.

    Example:

    >>> callback = tf.keras.callbacks.Callback()
    >>> callback.set_model(tf.keras.Sequential())
    >>> call_in_steps(callback, "on_train_batch_end", lambda batch, logs: None)
    """
    if has_workers(callback.model.distribute_strategy):
        vars(callback).pop(hook, None)
    else:
        setattr(callback, hook, function)
