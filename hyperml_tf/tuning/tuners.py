"""The tuners: one for each search algorithm of keras-tuner."""

from __future__ import annotations

from typing import Any

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.tuning import oracles
from hyperml_tf.tuning.tuner import Tuner

# The keyword arguments that every oracle of keras-tuner has, and `start_with_defaults`.
_FOR_THE_ORACLE = (
    "hyperparameters",
    "tune_new_entries",
    "allow_new_entries",
    "max_retries_per_trial",
    "max_consecutive_failed_trials",
    "start_with_defaults",
)


@names_arguments
class RandomSearch(Tuner):
    """Random search: `keras_tuner.RandomSearch` for Keras 2 models.

    Args:
        hypermodel: A `HyperModel`, or a function of `hp` that returns a compiled model.
        objective: String, `keras_tuner.Objective` or list of them: what to optimize. The direction is known for the metrics of
            Keras and for ranking metrics. `None` if `fit` of the hypermodel or `run_trial` returns the number to minimize.
        max_trials: Integer, the number of trials. Defaults to 10.
        seed: Optional integer, the random seed.
        **kwargs: Other arguments of the oracle, which are `hyperparameters`, `tune_new_entries`, `allow_new_entries`,
            `max_retries_per_trial` and `max_consecutive_failed_trials` (`None` by default) as in keras-tuner, and
            `start_with_defaults`: whether the first trial takes the default of every hyperparameter; and those of `Tuner`.

    Example:

    >>> import tensorflow as tf
    >>> def build(hp):
    ...     model = tf.keras.Sequential([tf.keras.layers.Dense(hp.Choice("units", [1, 2]))])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> tuner = RandomSearch(build, "val_loss", directory="search")
    >>> tuner.search_space_summary()
    Search space summary
    Default search space size: 1
    units (Choice)
    {'default': 1, 'conditions': [], 'values': [1, 2], 'ordered': True}
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int = 10,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        oracle = _oracle(oracles.RandomSearchOracle, objective, kwargs, max_trials=max_trials, seed=seed)
        super().__init__(oracle, hypermodel, **kwargs)


@names_arguments
class BayesianOptimization(Tuner):
    """Bayesian optimization with a Gaussian process: `keras_tuner.BayesianOptimization` for Keras 2 models.

    Args:
        hypermodel: See `RandomSearch`.
        objective: See `RandomSearch`.
        max_trials: Integer, the number of trials. Defaults to 10.
        num_initial_points: Optional integer, the number of random trials at the beginning. Defaults to three for each
            hyperparameter.
        alpha: Float, the noise that is expected in the objective, added to the diagonal of the kernel matrix. Defaults to 1e-4.
        beta: Float, the weight of exploration in the upper confidence bound. Defaults to 2.6.
        seed: Optional integer, the random seed.
        **kwargs: See `RandomSearch`.

    Example:

    >>> import tensorflow as tf
    >>> def build(hp):
    ...     model = tf.keras.Sequential([tf.keras.layers.Dense(hp.Choice("units", [1, 2]))])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> tuner = BayesianOptimization(build, "val_loss", max_trials=1, directory="search", project_name="bayesianoptimization")
    >>> tuner.search(tf.ones([4, 3]), tf.ones([4, 1]), validation_data=(tf.ones([4, 3]), tf.ones([4, 1])), verbose=0)
    >>> len(tuner.get_best_hyperparameters())
    1
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        oracle = _oracle(
            oracles.BayesianOptimizationOracle,
            objective,
            kwargs,
            max_trials=max_trials,
            num_initial_points=num_initial_points,
            alpha=alpha,
            beta=beta,
            seed=seed,
        )
        super().__init__(oracle, hypermodel, **kwargs)


@names_arguments
class GridSearch(Tuner):
    """Grid search: `keras_tuner.GridSearch` for Keras 2 models.

    Args:
        hypermodel: See `RandomSearch`.
        objective: See `RandomSearch`.
        max_trials: Optional integer, the number of trials at most. Defaults to all combinations; ranges without a step are
            sampled at ten points.
        seed: Optional integer, the random seed.
        **kwargs: See `RandomSearch`.

    Example:

    >>> import tensorflow as tf
    >>> def build(hp):
    ...     model = tf.keras.Sequential([tf.keras.layers.Dense(hp.Choice("units", [1, 2]))])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> tuner = GridSearch(build, "val_loss", max_trials=1, directory="search", project_name="gridsearch")
    >>> tuner.search(tf.ones([4, 3]), tf.ones([4, 1]), validation_data=(tf.ones([4, 3]), tf.ones([4, 1])), verbose=0)
    >>> len(tuner.get_best_hyperparameters())
    1
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        oracle = _oracle(oracles.GridSearchOracle, objective, kwargs, max_trials=max_trials, seed=seed)
        super().__init__(oracle, hypermodel, **kwargs)


@names_arguments
class Hyperband(Tuner):
    """Hyperband: `keras_tuner.Hyperband` for Keras 2 models. Many trials of few epochs, of which the best are trained further.

    A trial of a later round resumes the training of the one it continues where that ended, with the state of the optimizer.
    (In keras-tuner it resumes the weights of the best epoch, though it counts epochs from the last.)

    Args:
        hypermodel: See `RandomSearch`.
        objective: See `RandomSearch`.
        max_epochs: Integer, the epochs of the longest trials. Defaults to 100. A learning rate schedule should span as many.
        factor: Integer, at least 2: a round trains one in so many of the trials before, for so many times the epochs. Defaults
            to 3.
        hyperband_iterations: Integer, how often to go through all brackets. Defaults to 1.
        seed: Optional integer, the random seed.
        **kwargs: See `RandomSearch`. `start_with_defaults` and `median_pruning` must be `False`: the rounds prune.

    Raises:
        ValueError: If `start_with_defaults` or `median_pruning` is `True`.

    Reference:
        Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, [Hyperband: A Novel Bandit-Based Approach to Hyperparameter
        Optimization](https://jmlr.org/papers/v18/16-558.html), JMLR 18 (2018).

    Example:

    >>> import tensorflow as tf
    >>> def build(hp):
    ...     model = tf.keras.Sequential([tf.keras.layers.Dense(hp.Choice("units", [1, 2]))])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> tuner = Hyperband(build, "val_loss", max_epochs=2, directory="search", project_name="hyperband")
    >>> tuner.search(tf.ones([4, 3]), tf.ones([4, 1]), validation_data=(tf.ones([4, 3]), tf.ones([4, 1])), verbose=0)
    >>> len(tuner.get_best_hyperparameters())
    1
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.setdefault("median_pruning", False):
            raise ValueError("`median_pruning` must be False with Hyperband, whose rounds prune. Received: True")
        oracle = _oracle(
            oracles.HyperbandOracle,
            objective,
            kwargs,
            max_epochs=max_epochs,
            factor=factor,
            hyperband_iterations=hyperband_iterations,
            seed=seed,
        )
        super().__init__(oracle, hypermodel, **kwargs)


def _oracle(kind: Any, objective: Any, kwargs: dict[str, Any], **arguments: Any) -> Any:
    """Makes the oracle of a tuner, with those of the tuner's `kwargs` that are for the oracle, which it removes from them."""
    shared = {name: kwargs.pop(name) for name in _FOR_THE_ORACLE if name in kwargs}
    return kind(objective, **arguments, **shared)
