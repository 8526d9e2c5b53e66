"""How a table is trained on: one recipe for `train_run`, for every trial of a search, and for the benchmarks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from hyperml_tf.callbacks import BestWeights
from hyperml_tf.data import Interactions
from hyperml_tf.models import History, HyperML, Recommender
from hyperml_tf.optimizers import RiemannianAdam, RiemannianSGD
from hyperml_tf.runs.training_config import TrainingConfig

MONITOR = "val_sampled100_ndcg@10"
"""What decides which epoch's weights are kept."""

_STEPS_PER_EXECUTION = 16
# Rows a user, on average, from which a table is dense. Where users have hundreds, less curvature and smaller steps are better
# together; either alone is not. Found on validation rows: sparse tables have 5 to 7, dense ones 106 and 165.
_DENSE = 50
_SPARSE_CURVATURE, _SPARSE_RATE = 1.0, HyperML.LEARNING_RATE
_DENSE_CURVATURE, _DENSE_RATE = 0.3, 0.02
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
    config = settled(training, config)
    tf.keras.utils.set_random_seed(config.seed)
    names = ("dim", "curvature", "mode", "margin", "distortion_weight", "negatives", "hardest", "shallow", "seed")
    settings = {name: getattr(config, name) for name in names}
    settings["history"] = history_of(training, config)
    model = HyperML.from_interactions(training, **{**settings, **arguments})
    steps = steps_of_epoch(training, config.batch_size)
    model.compile(
        new_optimizer(model, config, steps * config.epochs), steps_per_execution=min(steps, _STEPS_PER_EXECUTION)
    )
    return model


def settled(training: Interactions, config: TrainingConfig) -> TrainingConfig:
    """The settings with a curvature and a learning rate, which by default follow the table, see `TrainingConfig`.

    Example:

    >>> table = Interactions.from_arrays(["u1", "u1", "u2"], ["a", "b", "c"])
    >>> settled(table, TrainingConfig(learning_rate=0.1)).curvature
    1.0
    """
    curvature, rate = _SPARSE_CURVATURE, _SPARSE_RATE
    chooses = config.curvature is None and config.learning_rate is None and config.mode == "tangent"
    if chooses and len(training) >= _DENSE * np.count_nonzero(training.activity()):
        curvature, rate = _DENSE_CURVATURE, _DENSE_RATE
    return dataclasses.replace(
        config,
        curvature=curvature if config.curvature is None else config.curvature,
        learning_rate=rate if config.learning_rate is None else config.learning_rate,
    )


def history_of(training: Interactions, config: TrainingConfig) -> History | int:
    """How users are placed, see `TrainingConfig`. Whatever the settings, a table without an order gets a history without one.

    Example:

    >>> table = Interactions.from_arrays(["u1", "u1", "u2"], ["a", "b", "c"], order=[1, 2, 1])
    >>> history_of(table, TrainingConfig(split="random")).half_life is None
    True
    """
    if config.history == 0 or config.mode == "direct":
        return 0
    base = History() if training.ordered else History.unordered()
    half_life = base.half_life if config.split != "random" else None
    if config.half_life is not None and training.ordered:
        half_life = config.half_life
    return dataclasses.replace(base, half_life=half_life, length=config.history or base.length)


def new_optimizer(model: HyperML, config: TrainingConfig, steps: int) -> Any:
    """The optimizer of the settings, with a learning rate that falls linearly to 0 over `steps`.

    Example:

    >>> model = HyperML(["ann"], ["a", "b"], dim=8)
    >>> type(new_optimizer(model, TrainingConfig(optimizer="adam"), steps=100)).__name__
    'RiemannianAdam'
    """
    if config.optimizer == "adagrad":
        return model.default_optimizer(config.learning_rate, decay_steps=steps)
    initial = HyperML.LEARNING_RATE if config.learning_rate is None else config.learning_rate
    falling = tf.keras.optimizers.schedules.PolynomialDecay
    if config.optimizer == "adam":
        rate = _ADAM * initial * (1.0 if config.mode == "tangent" else math.sqrt(config.dim))
        return RiemannianAdam(falling(rate, max(1, steps), 0.0))
    return RiemannianSGD(falling(initial, max(1, steps), 0.0))


def train(
    model: _Model,
    training: Interactions,
    validation: Interactions | None,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[Any] = (),
) -> _Model:
    """Trains a compiled model to the end and keeps the weights of the epoch that is best on validation.

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
