"""A progress bar for `fit`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class TrainingProgress(tf.keras.callbacks.Callback):
    """One bar over all epochs, with the loss, one validation metric and the time that remains.

    Silent where the console is not a terminal. Use it with `verbose=0`.

    Args:
        monitor: the key of the logs that is shown beside the loss, once it is there.
        console: where to draw; standard error if None.

    Example:

    >>> callback = TrainingProgress(monitor="val_full_ndcg@10")
    >>> callback.monitor
    'val_full_ndcg@10'
    """

    def __init__(self, monitor: str = "val_sampled100_ndcg@10", console: Console | None = None) -> None:
        super().__init__()
        self.monitor = monitor
        self.console = console if console is not None else Console(stderr=True)
        self._progress: Progress | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainingProgress:
        """A new bar on the same console, which cannot be copied: each training of a search gets one."""
        return type(self)(self.monitor, self.console)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        epochs, steps = self.params.get("epochs", 1), self.params.get("steps")
        self._steps = steps or 1
        self._progress = Progress(
            TextColumn("Training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._progress.add_task("Training", total=epochs, values="")
        self._progress.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # Between two epochs the bar moves by their steps; the number of steps is unknown in the first epoch of a dataset
        # without a cardinality.
        if self._progress is not None and self.params.get("steps"):
            self._progress.update(self._task, completed=self._epoch + (batch + 1) / self._steps)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._progress is None:
            return
        values = [f"{name} {logs[name]:.4f}" for name in ("loss", self.monitor) if logs and name in logs]
        self._progress.update(self._task, completed=epoch + 1, values=", ".join(values))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.close()

    def close(self) -> None:
        """Gives the terminal back; for a training that an exception ended, where Keras calls no `on_train_end`."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
