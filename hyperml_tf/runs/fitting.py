"""Creation and training of models, shared by runs, trials of a hyperparameter search and benchmarks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import tensorflow as tf

from hyperml_tf.callbacks import BestWeights, StopOnDivergence
from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML, Recommender
from hyperml_tf.models.default_optimizer import adam
from hyperml_tf.optimizers import RiemannianSGD
from hyperml_tf.preparation import TrainingRows
from hyperml_tf.settings import TableFacts, TrainingConfig
from hyperml_tf.settings.resolution import chosen

MONITOR = "val_sampled100_ndcg@10"
"""The metric by which the weights of the best epoch are kept."""

# A loop over several steps saves about a millisecond per step, and costs half a second to a second per training: TensorFlow
# traces its body, the training step, twice.
_STEPS_PER_EXECUTION = 16
_WORTH_A_LOOP = 1000
# By which the initial learning rate is multiplied when a trained model is trained further.
_FURTHER = 0.1

_Model = TypeVar("_Model", bound=Recommender)


def new_model(training: Interactions | TrainingRows, config: TrainingConfig, **arguments: Any) -> HyperML:
    """Returns a compiled model for a table, not trained yet.

    Args:
        training: An `Interactions`, the rows that it will be trained on, or a `TrainingRows` of a prepared table.
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
    in_loop = min(steps, steps_in_a_loop(steps * config.epochs))
    model.compile(new_optimizer(model, config, steps * config.epochs), steps_per_execution=in_loop)
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
    training: Interactions | TrainingRows,
    validation: Interactions | None,
    epochs: int,
    batch_size: int,
    callbacks: Sequence[Any] = (),
    initial_epoch: int = 0,
    best: BestWeights | None = None,
) -> _Model:
    """Trains a compiled model and keeps the weights of the best epoch on validation data.

    Args:
        model: A `HyperML` or a baseline.
        training: An `Interactions`, the training rows, or a `TrainingRows` of a prepared table.
        validation: An `Interactions` with one held-out row per user, or `None` to keep the weights of the last epoch.
        epochs: Integer, number of epochs.
        batch_size: Integer, positives per step.
        callbacks: Further Keras callbacks. They run last, so they see the weights that are kept. Defaults to `()`.
        initial_epoch: Integer, the number of epochs that the model has been trained for. Defaults to `0`.
        best: The callback that keeps the best weights. Defaults to `None`, a new one.

    Returns:
        The model itself.

    Raises:
        DivergedError: If the loss or the weights are no longer finite.
    """
    own: list[Any] = [StopOnDivergence()]
    if validation is not None:
        own.append(BestWeights(MONITOR) if best is None else best)
    batches: dict[str, Any] = {"x": training, "batch_size": batch_size}
    if isinstance(training, TrainingRows):
        batches = {"x": model.prepared_batches(training.table, batch_size, all_parts=training.all_parts)}
    model.fit(
        **batches,
        epochs=epochs,
        initial_epoch=initial_epoch,
        validation_data=validation,
        callbacks=[*own, *callbacks],
        verbose=0,
    )
    return model


def keep_learning(model: HyperML) -> None:
    """Compiles a trained model for further training.

    The learning rate, which has fallen to 0, becomes a tenth of the initial one. The state of the optimizer is kept.

    Args:
        model: A model of `new_model` that has been trained.
    """
    rate = _FURTHER * model.optimizer.get_config()["learning_rate"]["config"]["initial_learning_rate"]
    # A schedule again, if a constant one, so that both have the same variables: any other rate would be one of them.
    change_rate(model, tf.keras.optimizers.schedules.PolynomialDecay(rate, 1, rate))


def falling_again(model: HyperML, config: TrainingConfig, learning_rate: float, steps: int) -> Any:
    """Returns a schedule for the optimizer of a trained model: from its next step on, it falls linearly to 0 over `steps`.

    Args:
        model: A trained model, compiled with the optimizer of `config`.
        config: A `TrainingConfig`.
        learning_rate: Float > 0, on the scale of that of `config`.
        steps: Integer >= 1, number of steps.
    """
    done = int(model.optimizer.iterations.numpy())
    scaled = new_optimizer(model, dataclasses.replace(config, learning_rate=learning_rate), 1).get_config()
    rate = scaled["learning_rate"]["config"]["initial_learning_rate"]
    # The line through `rate` at the steps that are done, and 0 at the last one.
    return tf.keras.optimizers.schedules.PolynomialDecay(rate * (done + steps) / steps, done + steps, 0.0)


def change_rate(model: HyperML, schedule: Any, steps_per_execution: int = _STEPS_PER_EXECUTION) -> Any:
    """Compiles a model with another schedule of the learning rate, and returns the former one. The optimizer keeps its state.

    Args:
        model: A compiled model.
        schedule: The schedule.
        steps_per_execution: Integer, number of steps in a loop, see `steps_in_a_loop`. Defaults to `16`.
    """
    old, settings = model.optimizer, model.optimizer.get_config()
    new = type(old).from_config({**settings, "learning_rate": schedule})
    new.build(model.trainable_variables)
    for before, variable in zip(old.variables, new.variables, strict=True):
        variable.assign(before)
    model.compile(new, steps_per_execution=steps_per_execution)
    return tf.keras.optimizers.schedules.deserialize(settings["learning_rate"])


def steps_in_a_loop(steps: int) -> int:
    """Returns how many steps of a training are in one loop of the graph; 1, no loop, if it is too short to be worth it.

    Args:
        steps: Integer, number of steps of the training.

    Example:

    >>> steps_in_a_loop(200), steps_in_a_loop(20_000)
    (1, 16)
    """
    return _STEPS_PER_EXECUTION if steps >= _WORTH_A_LOOP else 1


def steps_of_epoch(training: Interactions | TrainingRows, batch_size: int) -> int:
    """Returns the number of training batches per epoch."""
    return -(-len(training) // batch_size)
