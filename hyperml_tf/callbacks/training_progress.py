"""A callback that shows a progress bar for `fit`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class TrainingProgress(tf.keras.callbacks.Callback):
    """Shows one progress bar for all epochs of `fit`, with the loss, a validation metric and the remaining time.

    Use it with `fit(verbose=0)`. It draws nothing if the console is not a terminal.

    Args:
        monitor: String. The key in `logs` of the metric to show beside the loss. It is shown from the first epoch that has it.
            Defaults to `"val_sampled100_ndcg@10"`.
        console: `rich.console.Console` or None. Where to draw. Defaults to `None`, which is standard error.

    Example:

    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> callback = TrainingProgress(monitor="val_loss")
    >>> history = model.fit(tf.ones([4, 2]), tf.ones([4, 1]), epochs=3, verbose=0, callbacks=[callback])
    >>> len(history.epoch)
    3
    """

    def __init__(self, monitor: str = "val_sampled100_ndcg@10", console: Console | None = None) -> None:
        super().__init__()
        self.monitor = monitor
        self.console = console if console is not None else Console(stderr=True)
        self._progress: Progress | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainingProgress:
        """Returns a callback with a bar of its own on the same console: keras-tuner copies callbacks for each trial."""
        return type(self)(self.monitor, self.console)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        epochs, steps = self.params.get("epochs", 1), self.params.get("steps")
        self._steps = steps or 1
        if not self.console.is_terminal:
            return  # older versions of rich print an empty line even for a bar that is disabled
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
        )
        self._task = self._progress.add_task("Training", total=epochs, values="")
        self._progress.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # The bar counts epochs and moves by fractions of one. In the first epoch of a dataset without a known cardinality,
        # the number of steps is unknown and the bar stays.
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
        """Stops the bar and restores the terminal.

        Call it if an exception ended training, because Keras does not call `on_train_end` then.
        """
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
