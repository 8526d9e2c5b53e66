"""A callback that keeps the weights of the best epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_types import names_arguments


@names_arguments
class BestWeights(tf.keras.callbacks.Callback):
    """Restores the trainable weights of the best epoch when training ends.

    `tf.keras.callbacks.EarlyStopping(restore_best_weights=True)` can stop training early. This callback never does, which suits
    a learning rate schedule that decays to 0 over a fixed number of epochs. It keeps a copy of the weights in memory.

    Args:
        monitor: String. The key in `logs` of the quantity to monitor. The best epoch is the one where it is highest. If no
            epoch has it, the weights stay as they are. Defaults to `"val_sampled100_ndcg@10"`.

    Attributes:
        best: The highest value of the monitored quantity so far, or `-inf`.
        best_epoch: The epoch of that value, counted from 0, or None.
        weights: The trainable weights of that epoch, a list of arrays.

    Example:

    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> callback = BestWeights(monitor="loss")
    >>> history = model.fit(tf.ones([4, 2]), tf.ones([4, 1]), epochs=3, verbose=0, callbacks=[callback])
    >>> callback.best == max(history.history["loss"])
    True
    """

    def __init__(self, monitor: str = "val_sampled100_ndcg@10") -> None:
        super().__init__()
        self.monitor = monitor
        self.best = -np.inf
        self.best_epoch: int | None = None
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        value = (logs or {}).get(self.monitor, -np.inf)
        if value > self.best:
            self.best, self.best_epoch = float(value), epoch
            self.weights = [variable.numpy() for variable in self.model.trainable_variables]

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        for variable, weights in zip(self.model.trainable_variables, self.weights, strict=False):
            variable.assign(weights)
