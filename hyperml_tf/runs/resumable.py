"""Training that goes on where it was interrupted, and that keeps the best weights where it diverges."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from hyperml_tf.callbacks import BestWeights, DivergedError
from hyperml_tf.files.whole import whole_file
from hyperml_tf.models import HyperML
from hyperml_tf.runs import fitting, layout
from hyperml_tf.runs.progress import KeepProgress, Progress, cut_history
from hyperml_tf.runs.strategies import scope

logger = logging.getLogger(__name__)


def fit_resumably(
    path: Path,
    epochs: int,
    begin: Callable[[], HyperML],
    fit: Callable[..., HyperML],
    callbacks: Sequence[Any] = (),
    strategy: tf.distribute.Strategy | None = None,
) -> tuple[HyperML, float]:
    """Trains a model, from the last epoch that was kept in the directory of its run, if there is one.

    Args:
        path: Path of the directory of the run.
        epochs: Integer, number of epochs.
        begin: Function that returns the compiled model, if no epoch has ended.
        fit: Function that trains a model; `fitting.fit`, or of the same keywords `callbacks`, `initial_epoch` and `best`.
        callbacks: Further Keras callbacks. Defaults to `()`.
        strategy: Optional `tf.distribute.Strategy`, in whose scope the model is made. Defaults to `None`.

    Returns:
        The trained model, and the seconds that earlier processes have trained.

    Raises:
        DivergedError: If the loss or the weights are no longer finite.
    """
    best = BestWeights(fitting.MONITOR)
    with scope(strategy):
        before = Progress.load(path)
        model, first, seconds = (begin(), 0, 0.0) if before is None else (before.model, before.epochs, before.seconds)
    if before is not None:
        before.restore(best)
        logger.info("Going on after epoch %d of %d.", first, epochs)
    cut_history(path / layout.HISTORY, first)
    log = tf.keras.callbacks.CSVLogger(path / layout.HISTORY, append=True)
    kept = KeepProgress(path, best, seconds)
    try:
        fit(model, callbacks=[log, kept, *callbacks], initial_epoch=first, best=best)
    except DivergedError as error:
        raise DivergedError(f"{error} {_keep_before(path, error)}", error.epoch) from error
    return model, seconds


def _keep_before(path: Path, error: DivergedError) -> str:
    """Writes the best weights before a divergence, and the mark of the run. Returns what was kept, for the error message."""
    before = Progress.load(path)
    mark: dict[str, Any] = {"epoch": error.epoch + 1, "said": str(error), "kept_epoch": None}
    said = "No epoch had ended before."
    if before is not None:
        for variable, weights in zip(before.model.trainable_variables, before.best_weights, strict=False):
            variable.assign(weights)
        mark["kept_epoch"] = before.epochs if before.best_epoch is None else before.best_epoch + 1
        with whole_file(path / layout.BEFORE_DIVERGENCE) as scratch:
            before.model.save(scratch)
        said = f"The weights of epoch {mark['kept_epoch']} are in {path / layout.BEFORE_DIVERGENCE}."
    with whole_file(path / layout.DIVERGED) as scratch:
        scratch.write_text(json.dumps(mark, indent=2) + "\n")
    return said
