"""How the benchmark trains a model of the package: as `hyperml-tf train` does, for every one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import TrainingConfig
from hyperml_tf.callbacks import BestWeights
from hyperml_tf.models import HyperML, default_optimizer
from hyperml_tf.runs.held_out import HeldOut

Scorer = Callable[[np.ndarray], Any]
"""User codes, `(batch,)` -> scores of the whole catalogue, `(batch, n_items)`."""

Settings = Mapping[str, Any]


def train_hyperml(held_out: HeldOut, seed: int, settings: Settings) -> Scorer:
    """HyperML with its defaults and those of `TrainingConfig`, but for the settings."""
    defaults = TrainingConfig()
    model_settings = dict(settings)
    epochs, batch_size, rate = (
        model_settings.pop(name, getattr(defaults, name)) for name in ("epochs", "batch_size", "learning_rate")
    )
    tf.keras.utils.set_random_seed(seed)
    model = HyperML.from_interactions(held_out.split.train, seed=seed, **model_settings)
    steps = epochs * steps_of_epoch(held_out, batch_size)
    return fit(model, default_optimizer(model.mode, model.dim, rate, steps), held_out, epochs, batch_size)


def train_baseline(model_class: Any, held_out: HeldOut, seed: int, settings: Settings) -> Scorer:
    """A baseline of the package: its defaults but for the settings, as many epochs and as large batches as HyperML.

    Its learning rate falls linearly to 0, as that of HyperML; at the rates that suit MF-BPR and CML this was better on validation
    than a constant one.
    """
    defaults = TrainingConfig()
    model_settings = dict(settings)
    epochs = model_settings.pop("epochs", defaults.epochs)
    rate = model_settings.pop("learning_rate")
    tf.keras.utils.set_random_seed(seed)
    model = model_class.from_interactions(held_out.split.train, seed=seed, **model_settings)
    steps = epochs * steps_of_epoch(held_out, defaults.batch_size)
    return fit(model, model.default_optimizer(rate, steps), held_out, epochs, defaults.batch_size)


def fit(model: Any, optimizer: Any, held_out: HeldOut, epochs: int, batch_size: int) -> Scorer:
    """Trains to the end, keeps the weights of the epoch that is best on validation, and returns the model's scorer."""
    model.compile(optimizer, steps_per_execution=min(steps_of_epoch(held_out, batch_size), 16))
    model.fit(
        held_out.split.train,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=held_out.split.validation,
        callbacks=[tf.keras.callbacks.TerminateOnNaN(), BestWeights("val_sampled100_ndcg@10")],
        verbose=0,
    )
    return model.scorer()


def steps_of_epoch(held_out: HeldOut, batch_size: int) -> int:
    """The number of batches of the training rows."""
    return -(-len(held_out.split.train) // batch_size)
