"""How the benchmark trains a model of the package: as `hyperml-tf train` does, for every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from hyperml_tf import TrainingConfig
from hyperml_tf.models.baselines import EuclideanTwin
from hyperml_tf.runs import fitting
from hyperml_tf.runs.held_out import HeldOut, MakeScorer
from hyperml_tf.settings import TableFacts, settings_of

Settings = Mapping[str, Any]


def train_hyperml(held_out: HeldOut, seed: int, settings: Settings) -> MakeScorer:
    """HyperML with its defaults and those of `TrainingConfig`, but for the settings."""
    # Objects, such as a `Curvature`, are arguments of the model only: the config of a run is numbers and words.
    of_config = {
        name: value for name, value in settings.items() if name in settings_of(TrainingConfig) and _is_plain(value)
    }
    config = TrainingConfig(**{"seed": seed, "split": held_out.order, **of_config})
    others = {name: value for name, value in settings.items() if name not in of_config}
    return _fit(fitting.new_model(held_out.split.train, config, **others), held_out, config.epochs, config.batch_size)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def train_baseline(model_class: Any, held_out: HeldOut, seed: int, settings: Settings) -> MakeScorer:
    """A baseline of the package: its defaults but for the settings, as many epochs and as large batches as HyperML.

    Its learning rate falls linearly to 0, as that of HyperML; at the rates that suit MF-BPR and CML this was better on validation
    than a constant one.
    """
    defaults = TrainingConfig(split=held_out.order)
    model_settings = dict(settings)
    if issubclass(model_class, EuclideanTwin):
        # The curvature and the learning rate are its own; what the defaults make of the table and the split is that of HyperML.
        model_settings["table_facts"] = TableFacts.of(held_out.split.train, held_out.order)
    epochs = model_settings.pop("epochs", defaults.epochs)
    rate = model_settings.pop("learning_rate")
    tf.keras.utils.set_random_seed(seed)
    model = model_class.from_interactions(held_out.split.train, seed=seed, **model_settings)
    steps = fitting.steps_of_epoch(held_out.split.train, defaults.batch_size)
    model.compile(model.default_optimizer(rate, steps * epochs), steps_per_execution=min(steps, 16))
    return _fit(model, held_out, epochs, defaults.batch_size)


def _fit(model: Any, held_out: HeldOut, epochs: int, batch_size: int) -> MakeScorer:
    return fitting.fit(model, held_out.split.train, held_out.split.validation, epochs, batch_size).scorer
