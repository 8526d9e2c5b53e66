"""A callback that shows the progress of `fit`: a bar on a terminal, a line per epoch in the log elsewhere."""

from __future__ import annotations

import logging
import time
from typing import Any

import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.distribution import call_in_steps

logger = logging.getLogger(__name__)

# The protocol of the validation metrics, which is left out where the place is scarce.
_PROTOCOLS = ("val_sampled100_", "val_full_")


@names_arguments
class TrainingProgress(tf.keras.callbacks.Callback):
    """Shows one progress bar for all epochs of `fit`, with the loss, a validation metric and the remaining time.

    Use it with `fit(verbose=0)`. If the console is not a terminal, it draws nothing, and logs a line after each epoch, with the
    level `INFO`. On parameter servers, where steps are asynchronous, the bar moves once an epoch.

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
        self._steps, self._epochs, self._started = steps or 1, epochs, time.monotonic()
        if not self.console.is_terminal:
            return  # older versions of rich print an empty line even for a bar that is disabled
        self._progress = Progress(
            # The bar takes what the numbers leave, so that these are not cut.
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("epochs"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=self.console,
            expand=True,
        )
        self._task = self._progress.add_task("Training", total=epochs, values="")
        self._progress.start()

    def set_model(self, model: Any) -> None:
        """Sets the model, as Keras does. Unless it is on parameter servers, the bar moves within epochs."""
        super().set_model(model)
        call_in_steps(self, "on_train_batch_end", self._advance)

    def _advance(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        # The bar counts epochs and moves by fractions of one. In the first epoch of a dataset without a known cardinality,
        # the number of steps is unknown and the bar stays.
        if self._progress is not None and self.params.get("steps"):
            self._progress.update(self._task, completed=self._epoch + (batch + 1) / self._steps)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        names = {"loss": "loss", self.monitor: self.monitor}
        for protocol in _PROTOCOLS:
            names[self.monitor] = names[self.monitor].removeprefix(protocol)
        values = ", ".join(f"{shown} {logs[name]:.4f}" for name, shown in names.items() if logs and name in logs)
        if self._progress is not None:
            self._progress.update(self._task, completed=epoch + 1, values=values)
        elif not self.console.is_terminal:
            seconds = time.monotonic() - self._started
            logger.info("Epoch %d of %d: %s; %.0f s", epoch + 1, self._epochs, values, seconds)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.close()

    def close(self) -> None:
        """Stops the bar and restores the terminal.

        Call it if an exception ended training, because Keras does not call `on_train_end` then.
        """
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
