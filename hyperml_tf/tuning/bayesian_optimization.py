"""Search guided by a Gaussian process."""

from __future__ import annotations

from typing import Any

from hyperml_tf.tuning.oracles import BayesianOptimizationOracle
from hyperml_tf.tuning.tuner import Tuner


class BayesianOptimization(Tuner):
    """`keras_tuner.BayesianOptimization` for Keras 2 models; what else differs is said in `Tuner`.

    Args:
        hypermodel: a `HyperModel`, or a function of `hp` that returns a compiled model.
        objective: what to optimize: the name of a metric, whose direction is known for those of Keras and of ranking, or a
            `keras_tuner.Objective`, or a list of them; None if `fit` of the hypermodel returns the number to minimize.
        max_trials: how many trials at most.
        num_initial_points: random trials before the first guided one; None: three a hyperparameter.
        alpha: noise that is expected in the objective.
        beta: how much is explored.
        seed: of what is drawn; another each time if None.
        hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial: as in keras-tuner.
        max_consecutive_failed_trials: the search ends after so many; None: it goes on.
        start_with_defaults: whether the first trial has the default of every hyperparameter.
        **kwargs: as for `Tuner`.
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
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        start_with_defaults: bool = False,
        **kwargs: Any,
    ) -> None:
        oracle = BayesianOptimizationOracle(
            objective=objective,
            max_trials=max_trials,
            num_initial_points=num_initial_points,
            alpha=alpha,
            beta=beta,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            start_with_defaults=start_with_defaults,
        )
        super().__init__(oracle, hypermodel, **kwargs)
