"""How a model is made for a table and fitted to it, in the same way for runs, trials of a search and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import tensorflow as tf

from hyperml_tf.callbacks import BestWeights
from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML, Recommender
from hyperml_tf.optimizers import RiemannianAdam, RiemannianSGD
from hyperml_tf.settings import TableFacts, TrainingConfig
from hyperml_tf.settings.resolution import chosen

MONITOR = "val_sampled100_ndcg@10"
"""What decides which epoch's weights are kept."""

_STEPS_PER_EXECUTION = 16
# Adam moves a coordinate of a tangent vector, but a point as a whole, by about its rate, whatever the gradient. With this
# factor, in direct mode times the root of the dimension, the rates that suit the others suit it.
_ADAM = 0.1

_Model = TypeVar("_Model", bound=Recommender)


def new_model(training: Interactions, config: TrainingConfig, **arguments: Any) -> HyperML:
    """A compiled model of a table, not trained yet.

    Args:
        training: the rows it will be trained on.
        config: the settings. Everything random starts from its `seed`.
        **arguments: further arguments of `HyperML`.

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
    """The optimizer of the settings, with a learning rate that falls linearly to 0 over `steps`.

    Example:

    >>> model = HyperML(["ann"], ["a", "b"], dim=8)
    >>> type(new_optimizer(model, TrainingConfig(optimizer="adam"), steps=100)).__name__
    'RiemannianAdam'
    """
    if config.optimizer == "adagrad":
        return model.default_optimizer(config.learning_rate, decay_steps=steps)
    initial = chosen(config.learning_rate or model.settings.learning_rate)
    falling = tf.keras.optimizers.schedules.PolynomialDecay
    if config.optimizer == "adam":
        rate = _ADAM * initial * (1.0 if model.mode == "tangent" else math.sqrt(model.dim))
        return RiemannianAdam(falling(rate, max(1, steps), 0.0))
    return RiemannianSGD(falling(initial, max(1, steps), 0.0))


def fit(
    model: _Model,
    training: Interactions,
    validation: Interactions | None,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[Any] = (),
) -> _Model:
    """Fits a compiled model and keeps the weights of the epoch that is best on validation.

    Args:
        model: HyperML or a baseline.
        training: the rows to train on.
        validation: one held-out row a user; None keeps the weights of the last epoch.
        epochs: passes over the rows.
        batch_size: positives a step.
        callbacks: further Keras callbacks. They come last, so they see the weights that are kept.

    Returns:
        The model.
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
    """The number of batches of the training rows."""
    return -(-len(training) // batch_size)
