"""What a training has come to."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np
import tensorflow as tf

from hyperml_tf.tuning.best_epoch import BestEpoch
from hyperml_tf.tuning.objectives import is_number
from hyperml_tf.tuning.oracles.resumable_oracle import BEST_EPOCH


def trial_result(returned: Any, objective: Any, keeper: BestEpoch, with_epoch: bool) -> Any:
    """What `fit` of a hypermodel returned, as keras-tuner understands it.

    Args:
        returned: a history of Keras 2, which becomes the logs of its best epoch, or whatever keras-tuner takes.
        objective: a `keras_tuner.Objective`.
        keeper: the callback that watched the training.
        with_epoch: whether to say which epoch was best, for an oracle of ours.

    Raises:
        ValueError: if the objective was never a number, because training diverged before it was measured too.
        FatalValueError: if it is not among the logs.
    """
    if not isinstance(returned, tf.keras.callbacks.History):
        value = returned.get(objective.name) if isinstance(returned, dict) else returned
        if isinstance(value, (int, float, np.floating)) and not is_number(value):
            raise _not_a_number(objective, str([float(value)]))
        return returned
    if isinstance(objective, type(keras_tuner.Oracle().objective)):
        raise keras_tuner.errors.FatalTypeError(
            "`objective` must be given unless `fit` of the hypermodel returns the number to minimize. Received: a history"
        )
    if not keeper.curve:
        # The callbacks were not passed on to the model.
        _watch(returned, objective, keeper)
    if keeper.epoch is None:
        values = [value for _, value in keeper.curve]
        raise _not_a_number(objective, f"{values[:3]}{'...' if len(values) > 3 else ''}")
    return {**keeper.logs, BEST_EPOCH: keeper.epoch} if with_epoch else dict(keeper.logs)


def _watch(history: Any, objective: Any, keeper: BestEpoch) -> None:
    """Reads from a history what the callback would have seen."""
    names = getattr(objective, "name_to_direction", {objective.name: ""})
    missing = [name for name in names if name not in history.history]
    if missing:
        if diverged := [name for name, values in history.history.items() if not all(map(is_number, values))]:
            # It ended before the first validation, as `TerminateOnNaN` has it.
            last = history.history[diverged[0]][-1]
            raise _not_a_number(objective, f"none; {diverged[0]} was {last} in epoch {len(history.epoch)}, the last")
        raise keras_tuner.errors.FatalValueError(
            f"`objective` must be in the logs of `fit`, such as {sorted(history.history)}. Received: {', '.join(missing)}"
        )
    count = len(history.history[next(iter(names))])
    columns = {name: values for name, values in history.history.items() if len(values) == count}
    for row, epoch in enumerate(history.epoch[-count:]):
        keeper.record(epoch, {name: values[row] for name, values in columns.items()})


def _not_a_number(objective: Any, received: str) -> ValueError:
    return ValueError(
        f"`{objective.name}` must be a finite number in at least one epoch. Received: {received}. Where training diverges, a "
        "smaller learning rate helps."
    )
