"""Further training of a model on new rows, with some of the old ones, so that it learns the former and keeps the latter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyperml_tf.callbacks import StopOnDivergence
from hyperml_tf.data import Interactions
from hyperml_tf.data.pipelines import Draw
from hyperml_tf.models import HyperML


def fit_with_replay(
    model: HyperML,
    new: Interactions,
    old: Interactions,
    epochs: int,
    replay: float,
    batch_size: int,
    callbacks: Sequence[Any] = (),
    initial_epoch: int = 0,
) -> HyperML:
    """Trains a compiled model on all new rows in each epoch, and on another random sample of the old ones.

    What is drawn depends on the seed of the model and the number of the epoch only. All epochs are one dataset, whose graph is
    traced once.

    Args:
        model: A `HyperML`, whose histories hold the rows of both.
        new: An `Interactions` in the codes of the model, the new rows.
        old: An `Interactions` likewise, the rows that the model was trained on before.
        epochs: Integer, number of epochs.
        replay: Float >= 0, the number of old rows per new one; all old rows at most.
        batch_size: Integer, positives per step.
        callbacks: Keras callbacks. Defaults to `()`.
        initial_epoch: Integer, the number of these epochs that the model has been trained for. Defaults to `0`.

    Returns:
        The model itself.

    Raises:
        DivergedError: If the loss or the weights are no longer finite.
    """
    if initial_epoch >= epochs:
        return model
    rows = old.append(new)
    is_old = np.isin(rows.users.astype(np.int64) * rows.n_items + rows.items, old.keys())
    draw = Draw(
        np.flatnonzero(~is_old), np.flatnonzero(is_old), replayed(new, old, replay), range(initial_epoch, epochs)
    )
    model.fit(
        model.query_tower.training_batches(rows, batch_size, seed=model.seed, draw=draw),
        steps_per_epoch=steps_of_epoch(new, old, replay, batch_size),
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=[StopOnDivergence(), *callbacks],
        verbose=0,
    )
    return model


def replayed(new: Interactions, old: Interactions, replay: float) -> int:
    """Returns the number of old rows in an epoch."""
    return min(len(old), round(replay * len(new)))


def steps_of_epoch(new: Interactions, old: Interactions, replay: float, batch_size: int) -> int:
    """Returns the number of training batches per epoch."""
    return -(-(len(new) + replayed(new, old, replay)) // batch_size)
