"""Ending trials that will not win."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf.tuning.objectives import is_number

logger = logging.getLogger(__name__)

Curve = Sequence[tuple[int, float]]
"""Values of the objective by epoch."""


class StopHopeless(tf.keras.callbacks.Callback):
    """Ends a training whose best value so far is worse than the median of what earlier trials had reached by the same epoch.

    The median stopping rule of Google Vizier (Golovin et al., KDD 2017). Epochs without the objective do not count.

    Args:
        objective: a `keras_tuner.Objective`.
        curves: the objective of the trainings to compare with.
        min_curves: with fewer of them no training ends early.
        patience: the part of the epochs, in [0, 1], that every training may use.

    Raises:
        ValueError: if `min_curves` or `patience` is out of its range.
    """

    def __init__(self, objective: Any, curves: Sequence[Curve], min_curves: int = 5, patience: float = 0.25) -> None:
        super().__init__()
        if min_curves < 1:
            raise ValueError(f"`min_curves` must be at least 1. Received: min_curves={min_curves}")
        if not 0 <= patience <= 1:
            raise ValueError(f"`patience` must be in [0, 1]. Received: patience={patience}")
        self.objective, self.curves = objective, [list(curve) for curve in curves]
        self.min_curves, self.patience = int(min_curves), float(patience)
        self.stopped_epoch: int | None = None
        self._curve: list[tuple[int, float]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._curve, self.stopped_epoch = [], None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.objective.has_value(logs or {}):
            return
        self._curve.append((epoch, float(self.objective.get_value(logs))))
        # A training loop of one's own may not have said how many epochs it takes.
        if epoch + 1 < self.patience * (getattr(self, "params", None) or {}).get("epochs", 0):
            return
        others = [value for curve in self.curves if (value := self._best(curve, epoch)) is not None]
        own = self._best(self._curve, epoch)
        if len(others) < self.min_curves or own is None:
            return
        median = statistics.median(others)
        if self.objective.better_than(median, own):
            self.stopped_epoch = epoch
            self.model.stop_training = True
            logger.info(
                "Stopped after epoch %d: %s is %.4g at best, the median of %d earlier trainings was %.4g by then.",
                epoch + 1, self.objective.name, own, len(others), median,
            )  # fmt: skip

    def _best(self, curve: Curve, epoch: int) -> float | None:
        """The best value up to an epoch. A training that ended before it counts with what it had."""
        values = [value for at, value in curve if at <= epoch and is_number(value)]
        if not values:
            return None
        return max(values) if self.objective.direction == "max" else min(values)
