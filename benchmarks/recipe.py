"""Training of the models of the package in the benchmark, as by `hyperml-tf train`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import TrainingConfig
from hyperml_tf.layers import Curvature
from hyperml_tf.models.baselines import EuclideanTwin
from hyperml_tf.runs import recipe
from hyperml_tf.runs.held_out import HeldOut

Scorer = Callable[[np.ndarray], Any]
"""User codes, `(batch,)` -> scores of all items, `(batch, n_items)`."""

Settings = Mapping[str, Any]


def train_hyperml(held_out: HeldOut, seed: int, settings: Settings) -> Scorer:
    """Trains HyperML with its defaults and those of `TrainingConfig`, except for the settings."""
    known = {field.name for field in dataclasses.fields(TrainingConfig)}
    # A `Curvature` is an argument of the model only: the config of a run has numbers and strings.
    of_config = {name for name, value in settings.items() if name in known and not isinstance(value, Curvature)}
    config = TrainingConfig(seed=seed, split=held_out.order, **{name: settings[name] for name in of_config})
    others = {name: value for name, value in settings.items() if name not in of_config}
    return _fit(recipe.new_model(held_out.split.train, config, **others), held_out, config.epochs, config.batch_size)


def train_baseline(model_class: Any, held_out: HeldOut, seed: int, settings: Settings) -> Scorer:
    """Trains a baseline of the package with its defaults, except for the settings, and with the epochs and batches of HyperML.

    As for HyperML, the learning rate decays linearly to 0. At the best rates of MF-BPR and CML, this was better on validation
    than a constant learning rate.
    """
    defaults = TrainingConfig(split=held_out.order)
    model_settings = dict(settings)
    if issubclass(model_class, EuclideanTwin):
        model_settings["history"] = recipe.history_of(held_out.split.train, defaults)
    epochs = model_settings.pop("epochs", defaults.epochs)
    rate = model_settings.pop("learning_rate")
    tf.keras.utils.set_random_seed(seed)
    model = model_class.from_interactions(held_out.split.train, seed=seed, **model_settings)
    steps = recipe.steps_of_epoch(held_out.split.train, defaults.batch_size)
    model.compile(model.default_optimizer(rate, steps * epochs), steps_per_execution=min(steps, 16))
    return _fit(model, held_out, epochs, defaults.batch_size)


def _fit(model: Any, held_out: HeldOut, epochs: int, batch_size: int) -> Scorer:
    return recipe.train(model, held_out.split.train, held_out.split.validation, epochs, batch_size).scorer()
