"""Creation and training of models, shared by runs, trials of a hyperparameter search and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import tensorflow as tf

from hyperml_tf.callbacks import BestWeights
from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML, Recommender
from hyperml_tf.models.default_optimizer import adam
from hyperml_tf.optimizers import RiemannianSGD
from hyperml_tf.settings import TableFacts, TrainingConfig
from hyperml_tf.settings.resolution import chosen

MONITOR = "val_sampled100_ndcg@10"
"""The metric by which the weights of the best epoch are kept."""

_STEPS_PER_EXECUTION = 16

_Model = TypeVar("_Model", bound=Recommender)


def new_model(training: Interactions, config: TrainingConfig, **arguments: Any) -> HyperML:
    """Returns a compiled model for a table, not trained yet.

    Args:
        training: An `Interactions`, the rows that it will be trained on.
        config: A `TrainingConfig`, whose `seed` makes the result reproducible.
        **arguments: Further arguments of `HyperML`.

    Example:

    >>> table = Interactions.from_arrays(["u1", "u1", "u2"], ["a", "b", "c"])
    >>> new_model(table, TrainingConfig(dim=8)).dim
    8
    """
    tf.keras.utils.set_random_seed(config.seed)
    facts = TableFacts.of(training, config.split)
    model = HyperML.from_interactions(training, **{**config.arguments(), **arguments}, table_facts=facts)
    steps = steps_of_epoch(training, config.batch_size)
    model.compile(
        new_optimizer(model, config, steps * config.epochs), steps_per_execution=min(steps, _STEPS_PER_EXECUTION)
    )
    return model


def new_optimizer(model: HyperML, config: TrainingConfig, steps: int) -> Any:
    """Returns the optimizer of the settings, with a learning rate that decays linearly to 0 over `steps`.

    Example:

    >>> model = HyperML(["ann"], ["a", "b"], dim=8)
    >>> type(new_optimizer(model, TrainingConfig(optimizer="adam"), steps=100)).__name__
    'RiemannianAdam'
    """
    initial = chosen(config.learning_rate or model.settings.learning_rate)
    if config.optimizer is None:
        return model.default_optimizer(initial, steps)
    if config.optimizer == "adagrad":
        return model.adagrad(initial, steps)
    if config.optimizer == "adam":
        return adam(initial, steps, 1 if model.mode == "tangent" else model.dim)
    falling = tf.keras.optimizers.schedules.PolynomialDecay
    return RiemannianSGD(falling(initial, max(1, steps), 0.0))


def fit(
    model: _Model,
    training: Interactions,
    validation: Interactions | None,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[Any] = (),
) -> _Model:
    """Trains a compiled model and keeps the weights of the best epoch on validation data.

    Args:
        model: A `HyperML` or a baseline.
        training: An `Interactions`, the training rows.
        validation: An `Interactions` with one held-out row per user, or `None` to keep the weights of the last epoch.
        epochs: Integer, number of epochs.
        batch_size: Integer, positives per step.
        callbacks: Further Keras callbacks. They run last, so they see the weights that are kept. Defaults to `()`.

    Returns:
        The model itself.
    """
    own: list[Any] = [tf.keras.callbacks.TerminateOnNaN()]
    if validation is not None:
        own.append(BestWeights(MONITOR))
    model.fit(
        training,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=validation,
        callbacks=[*own, *callbacks],
        verbose=0,
    )
    return model


def steps_of_epoch(training: Interactions, batch_size: int) -> int:
    """Returns the number of training batches per epoch."""
    return -(-len(training) // batch_size)
