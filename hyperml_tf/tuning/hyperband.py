"""Many short trainings, and the best of them longer."""

from __future__ import annotations

from typing import Any

from hyperml_tf.tuning import checkpoints
from hyperml_tf.tuning.oracles import HyperbandOracle
from hyperml_tf.tuning.tuner import Tuner


class Hyperband(Tuner):
    """`keras_tuner.Hyperband` for Keras 2 models; what else differs is said in `Tuner`.

    A trial of a later round goes on from where the trial it continues has ended, with the state of its optimizer. In keras-tuner
    it goes on from the best epoch of that trial, though it counts its epochs from the last.

    Args:
        hypermodel: a `HyperModel`, or a function of `hp` that returns a compiled model.
        objective: see `RandomSearch`.
        max_epochs: the epochs of the longest trainings. A learning rate that falls should do so over as many.
        factor: a round trains one in so many of the models before, so many times as long.
        hyperband_iterations: how often all brackets are gone through.
        seed: of what is drawn; another each time if None.
        hyperparameters, tune_new_entries, allow_new_entries, max_retries_per_trial: as in keras-tuner.
        max_consecutive_failed_trials: the search ends after so many; None: it goes on.
        **kwargs: as for `Tuner`. `stop_hopeless` is not for this tuner, whose rounds do it.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.setdefault("stop_hopeless", False):
            raise ValueError("`stop_hopeless` must be False with Hyperband, whose rounds end what is hopeless.")
        oracle = HyperbandOracle(
            objective=objective,
            max_epochs=max_epochs,
            factor=factor,
            hyperband_iterations=hyperband_iterations,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle, hypermodel, **kwargs)

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """As in `Tuner`, for the epochs of the trial's round."""
        values = trial.hyperparameters.values
        if "tuner/epochs" in values:
            kwargs |= {"epochs": values["tuner/epochs"], "initial_epoch": values["tuner/initial_epoch"]}
        return super().run_trial(trial, *args, **kwargs)

    def prepare_model(self, trial: Any, model: Any) -> None:
        """Gives the model of a later round the state that the trial it continues has ended with."""
        earlier = trial.hyperparameters.values.get("tuner/trial_id")
        if earlier is not None:
            prefix = checkpoints.last(self.get_trial_dir(earlier))
            checkpoints.restore(model, prefix, earlier, self.distribution_strategy)

    def checkpoint_prefixes(self, trial_id: str) -> tuple[str, ...]:
        """The best epoch, and the end for the next round."""
        return (*super().checkpoint_prefixes(trial_id), checkpoints.last(self.get_trial_dir(trial_id)))
