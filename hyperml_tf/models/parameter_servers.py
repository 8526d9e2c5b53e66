"""Training on parameter servers, where a coordinator hands out the steps to workers that cannot read its memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf.data.pipelines import Progress


def endless_batches(epochs: Callable[[Progress], tf.data.Dataset], before: int) -> tuple[tf.data.Dataset, int]:
    """Returns the batches of one epoch after the other, and their number in an epoch.

    No worker knows how many steps the others have taken, so none can tell when an epoch ends: the coordinator counts. A single
    worker sees the batches that one device would see. Several workers shuffle the rows differently, so that an epoch has each row
    once on average.

    Args:
        epochs: Function that returns the batches of epochs, from the number of batches before each, see `training_dataset`.
        before: Integer, the number of batches so far.
    """
    size = int(epochs(lambda: before).cardinality())
    numbers = tf.data.Dataset.counter(before, size)
    if _n_workers() > 1:
        # The same dataset is sent to all workers. Their clocks differ.
        numbers = numbers.map(lambda number: number + tf.cast(tf.timestamp() * 1e6, tf.int64))
    return epochs(numbers), size


def made_here(creator: Any, endless: bool) -> tf.data.Dataset:
    """Returns a dataset of those that workers are to make, to see what it holds.

    Args:
        creator: A `tf.keras.utils.experimental.DatasetCreator`.
        endless: Boolean, whether the datasets must not end, because the coordinator alone counts the steps of an epoch.

    Raises:
        ValueError: If it ends, but must not.
    """
    made = creator(tf.distribute.InputContext())
    if endless and made.cardinality() >= 0:
        raise ValueError(
            "The datasets of `x` must not end: let them `repeat()`, and pass `steps_per_epoch` to `fit`. "
            f"Received: datasets of {int(made.cardinality())} batches"
        )
    return made


def _n_workers() -> int:
    """The number of workers that this process is connected to, each of which has a CPU."""
    return sum("/job:worker/" in device.name for device in tf.config.list_logical_devices("CPU"))


class CoordinatorValidation(tf.keras.callbacks.Callback):
    """Adds validation metrics to the logs of an epoch. They are exact, because the coordinator alone computes them.

    Args:
        evaluate: Function that returns the metrics by name.
        epochs: As `validation_freq` of `tf.keras.Model.fit`. Defaults to `1`.
    """

    def __init__(self, evaluate: Callable[[], dict[str, float]], epochs: int | Sequence[int] = 1) -> None:
        super().__init__()
        self._evaluate, self._epochs = evaluate, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        due = (epoch + 1) % self._epochs == 0 if isinstance(self._epochs, int) else epoch + 1 in self._epochs
        if due and logs is not None:
            logs |= {f"val_{name}": value for name, value in self._evaluate().items()}
