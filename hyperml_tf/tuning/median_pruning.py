"""Ends trials early that are unlikely to win."""

from __future__ import annotations

import logging
import math
import statistics
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_not_negative, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.tuning.project import Curve

logger = logging.getLogger(__name__)


@names_arguments
class MedianPruning(tf.keras.callbacks.Callback):
    """Stops a training whose best objective so far is worse than the median of the best that others had by the same epoch.

    Tuners add this callback if they are given `median_pruning=True`. A pruned trial is completed, with the best epoch it had.
    Epochs without the objective, because they were not validated, do not count.

    Args:
        objective: A `keras_tuner.Objective`.
        curves: The learning curves of earlier trainings, each a list of pairs of an epoch and a value of the objective.
        n_startup_trials: Integer, at least 1. With fewer curves no training is pruned. Defaults to 5.
        warmup: Float in [0, 1], the fraction of the epochs before which no training is pruned. Defaults to 0.25.

    Raises:
        ValueError: If `n_startup_trials` or `warmup` is out of its range.

    Reference:
        The median stopping rule of Golovin, Solnik, Moitra, Kochanski, Karro and Sculley, [Google Vizier: A Service for Black-Box
        Optimization](https://doi.org/10.1145/3097983.3098043), KDD 2017.

    Example:

    >>> from hyperml_tf.tuning import Objective
    >>> curves = [[(0, 0.2), (1, 0.3)], [(0, 0.1), (1, 0.5)], [(0, 0.3), (1, 0.4)]]
    >>> callback = MedianPruning(Objective("val_accuracy", "max"), curves, n_startup_trials=3)
    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    >>> callback.set_model(model)
    >>> callback.on_epoch_end(1, {"val_accuracy": 0.35})
    >>> model.stop_training
    True
    """

    def __init__(
        self, objective: Any, curves: Sequence[Curve], n_startup_trials: int = 5, warmup: float = 0.25
    ) -> None:
        super().__init__()
        count(n_startup_trials=n_startup_trials)
        check_not_negative(warmup=warmup)
        if warmup > 1:
            raise ValueError(f"`warmup` must be in [0, 1]. Received: warmup={warmup}")
        self.objective, self.curves = objective, list(curves)
        self.n_startup_trials, self.warmup = int(n_startup_trials), float(warmup)
        self.stopped_epoch: int | None = None
        self._curve: list[tuple[int, float]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._curve, self.stopped_epoch = [], None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.objective.has_value(logs or {}):
            return
        self._curve.append((epoch, float(self.objective.get_value(logs))))
        # A custom training loop may not have set the number of epochs.
        if epoch + 1 < self.warmup * (getattr(self, "params", None) or {}).get("epochs", 0):
            return
        others = [value for curve in self.curves if (value := self._best(curve, epoch)) is not None]
        best = self._best(self._curve, epoch)
        if best is None or len(others) < self.n_startup_trials:
            return
        median = statistics.median(others)
        if self.objective.better_than(median, best):
            self.stopped_epoch, self.model.stop_training = epoch, True
            logger.info(
                "Pruned after epoch %d: the best %s is %.4g, the median of %d earlier trainings at this epoch %.4g.",
                epoch + 1, self.objective.name, best, len(others), median,
            )  # fmt: skip

    def _best(self, curve: Curve, epoch: int) -> float | None:
        """Returns the best value up to an epoch. A training that ended before counts with what it had."""
        values = [value for at, value in curve if at <= epoch and math.isfinite(value)]
        return (max if self.objective.direction == "max" else min)(values, default=None)
