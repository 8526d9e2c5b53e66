"""Every combination."""

from __future__ import annotations

from typing import Any

from hyperml_tf.tuning.oracles import GridSearchOracle
from hyperml_tf.tuning.tuner import Tuner


class GridSearch(Tuner):
    """`keras_tuner.GridSearch` for Keras 2 models; what else differs is said in `Tuner`.

    Args:
        hypermodel: a `HyperModel`, or a function of `hp` that returns a compiled model.
        objective: what to optimize: the name of a metric, whose direction is known for those of Keras and of ranking, or a
            `keras_tuner.Objective`, or a list of them; None if `fit` of the hypermodel returns the number to minimize.
        max_trials: how many trials at most; None: all combinations. Ranges without a step are sampled at ten points.
        seed: of what is drawn; another each time if None.
        hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial: as in keras-tuner.
        max_consecutive_failed_trials: the search ends after so many; None: it goes on.
        **kwargs: as for `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        **kwargs: Any,
    ) -> None:
        oracle = GridSearchOracle(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle, hypermodel, **kwargs)
