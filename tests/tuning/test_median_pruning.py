"""The median stopping rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from small import DATA, X, Y, tuner

from hyperml_tf.tuning import MedianPruning, Objective

LOSSES = [[(epoch, 10.0 * scale - epoch) for epoch in range(8)] for scale in (1, 2, 3, 4, 5)]
"""The median is 30 - epoch."""


def epochs_of(values: list[float], callback: MedianPruning) -> int:
    """The number of epochs of a training whose objective takes these values."""
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse", run_eagerly=True)

    class Scripted(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if logs is not None and not np.isnan(values[epoch]):
                logs["val_loss"] = values[epoch]

    return len(model.fit(X[:2], Y[:2], epochs=len(values), verbose=0, callbacks=[Scripted(), callback]).epoch)


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        ([40.0] * 8, {}, 2),  # a quarter of the epochs are free
        ([40.0] * 8, {"warmup": 0.0}, 1),
        ([40.0] * 8, {"warmup": 0.5}, 4),
        ([40.0] * 8, {"n_startup_trials": 6}, 8),  # too few to compare with
        ([25.5] * 8, {}, 6),  # better than the median until that has fallen below
        ([20.0] + [60.0] * 7, {}, 8),  # the best so far counts
        ([60.0] * 2 + [1.0] * 6, {"warmup": 0.4}, 8),
        ([np.nan, 60.0] * 4, {"warmup": 0.0}, 2),  # epochs that were not validated say nothing
    ],
)
def test_which_trainings_are_stopped_and_when(values: list[float], options: dict[str, Any], epochs: int) -> None:
    callback = MedianPruning(Objective("val_loss", "min"), LOSSES, **options)
    assert epochs_of(values, callback) == epochs
    assert callback.stopped_epoch == (None if epochs == 8 else epochs - 1)


def test_higher_may_be_better() -> None:
    assert epochs_of([40.0] * 8, MedianPruning(Objective("val_loss", "max"), LOSSES)) == 8
    assert epochs_of([5.0] * 8, MedianPruning(Objective("val_loss", "max"), LOSSES)) == 2


def test_trainings_that_ended_early_count_with_their_best() -> None:
    short = [curve[:1] for curve in LOSSES]
    assert epochs_of([35.0] * 8, MedianPruning(Objective("val_loss", "min"), short)) == 2


@pytest.mark.parametrize(("name", "value"), [("n_startup_trials", 0), ("warmup", 1.5), ("warmup", -0.1)])
def test_arguments_out_of_their_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}={value}"):
        MedianPruning(Objective("val_loss", "min"), [], **{name: value})


@pytest.mark.slow
def test_a_search_prunes_also_after_an_interruption(tmp_path: Path) -> None:
    def make(hp: Any) -> Any:
        offset = hp.Choice("offset", [0.0, 1.0, 2.0, 3.0, 4.0, 1000.0, 0.5])
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, bias_initializer=tf.constant_initializer(offset))])
        model.compile(tf.keras.optimizers.SGD(1e-4), "mse", run_eagerly=True)
        return model

    tuner("GridSearch", tmp_path, make, max_trials=5, median_pruning=True).search(**DATA, epochs=4)
    searcher = tuner("GridSearch", tmp_path, make, median_pruning=True)
    searcher.search(**DATA, epochs=4)
    lengths = {}
    for trial in searcher.oracle.trials.values():
        (curve,) = json.loads((tmp_path / "p" / f"trial_{trial.trial_id}" / "curves.json").read_text())
        lengths[trial.hyperparameters.values["offset"]] = len(curve)
        assert trial.status == "COMPLETED"
    assert lengths == {0.0: 4, 1.0: 4, 2.0: 4, 3.0: 4, 4.0: 4, 1000.0: 1, 0.5: 4}
