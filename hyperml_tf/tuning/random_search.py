"""Random search."""

from __future__ import annotations

from typing import Any

from hyperml_tf.tuning.oracles import RandomSearchOracle
from hyperml_tf.tuning.tuner import Tuner


class RandomSearch(Tuner):
    """`keras_tuner.RandomSearch` for Keras 2 models; what else differs is said in `Tuner`.

    Args:
        hypermodel: a `HyperModel`, or a function of `hp` that returns a compiled model.
        objective: what to optimize: the name of a metric, whose direction is known for those of Keras and of ranking, or a
            `keras_tuner.Objective`, or a list of them; None if `fit` of the hypermodel returns the number to minimize.
        max_trials: how many trials at most.
        seed: of what is drawn; another each time if None.
        hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial: as in keras-tuner.
        max_consecutive_failed_trials: the search ends after so many; None: it goes on.
        start_with_defaults: whether the first trial has the default of every hyperparameter.
        **kwargs: as for `Tuner`.

    Example:

    >>> import tensorflow as tf
    >>> def build(hp):
    ...     model = tf.keras.Sequential([tf.keras.layers.Dense(hp.Choice("units", [1, 2]))])
    ...     model.compile("sgd", "mse")
    ...     return model
    >>> tuner = RandomSearch(build, "val_loss", directory="trials")
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
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        start_with_defaults: bool = False,
        **kwargs: Any,
    ) -> None:
        oracle = RandomSearchOracle(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            start_with_defaults=start_with_defaults,
        )
        super().__init__(oracle, hypermodel, **kwargs)
