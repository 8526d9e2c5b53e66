"""Further training of a model on new rows, with some of the old ones, so that it learns the former and keeps the latter."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.callbacks import StopOnDivergence
from hyperml_tf.data import Interactions
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
    parts = [_epoch(model, new, old, replay, batch_size, epoch) for epoch in range(initial_epoch, epochs)]
    model.fit(
        functools.reduce(lambda earlier, later: earlier.concatenate(later), parts),
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


def _epoch(
    model: HyperML, new: Interactions, old: Interactions, replay: float, batch_size: int, epoch: int
) -> tf.data.Dataset:
    """The batches of an epoch. They depend on the seed of the model and the number of the epoch only."""
    drawn = np.random.default_rng([model.seed, epoch]).choice(len(old), replayed(new, old, replay), replace=False)
    rows = old.with_rows(drawn).append(new)
    return model.query_tower.training_batches(
        rows, batch_size, seed=model.seed, progress=lambda: tf.constant(epoch, tf.int64)
    )
