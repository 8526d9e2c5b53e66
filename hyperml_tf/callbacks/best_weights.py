"""Keeping the weights of the best epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


class BestWeights(tf.keras.callbacks.Callback):
    """Ends training with the trainable weights of the epoch whose `monitor` was highest.

    Keras's `EarlyStopping(restore_best_weights=True)` restores only if it stops training early; this one trains to the end, as
    a learning rate that falls to 0 wants, and always restores.

    Args:
        monitor: a key of the logs, higher is better.

    Example:

    >>> BestWeights().monitor
    'val_sampled100_ndcg@10'
    """

    def __init__(self, monitor: str = "val_sampled100_ndcg@10") -> None:
        super().__init__()
        self.monitor = monitor
        self.best = -np.inf
        self.best_epoch: int | None = None
        self._weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        value = (logs or {}).get(self.monitor, -np.inf)
        if value > self.best:
            self.best, self.best_epoch = float(value), epoch
            self._weights = [variable.numpy() for variable in self.model.trainable_variables]

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        for variable, weights in zip(self.model.trainable_variables, self._weights, strict=False):
            variable.assign(weights)
