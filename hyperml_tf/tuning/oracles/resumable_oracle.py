"""What our oracles share."""

from __future__ import annotations

from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from hyperml_tf.tuning import rounding
from hyperml_tf.tuning.atomic_state import AtomicState
from hyperml_tf.tuning.atomic_trial import AtomicTrial
from hyperml_tf.tuning.objectives import as_objective, is_number

BEST_EPOCH = "best_epoch"
"""The key under which our tuners report the epoch of a result, which keras-tuner has no place for in a dictionary."""

_SEED_OF_ZERO = 2**31 - 1


class ResumableOracle(keras_tuner.Oracle, AtomicState):
    """Base class of our oracles, before one of keras-tuner's: what it knows survives a kill, and a failed trial has a cause.

    Args:
        objective: as in keras-tuner; the direction of ranking metrics such as `"val_full_ndcg@10"` is known.
        start_with_defaults: whether the first trial has the default of every hyperparameter, so that whatever the search finds
            can be compared with it.
        **kwargs: as for the oracle of keras-tuner. `seed=0` is a seed here, not none, and `max_consecutive_failed_trials` is None
            unless given: the search goes on after failed trials.
    """

    def __init__(self, objective: Any = None, *args: Any, start_with_defaults: bool = False, **kwargs: Any) -> None:
        if kwargs.get("seed") == 0:
            kwargs["seed"] = _SEED_OF_ZERO
        kwargs.setdefault("max_consecutive_failed_trials", None)
        super().__init__(as_objective(objective), *args, **kwargs)
        self.start_with_defaults = start_with_defaults
        self.listener: Any = None
        self.trials: dict[str, Any] = self.trials

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """As in keras-tuner, but for the first trial if it is to have the defaults."""
        if self.start_with_defaults and not self.trials:
            space = self.get_space()
            values = {hp.name: hp.default for hp in space.space if space.is_active(hp)}
            return {"status": TrialStatus.RUNNING, "values": values}
        return super().populate_space(trial_id)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Any:
        """As in keras-tuner; the trial is one that is saved whole or not at all."""
        trial = super().create_trial(tuner_id)
        if trial.status != TrialStatus.RUNNING:
            return trial
        trial = AtomicTrial.of(trial)
        self.trials[trial.trial_id] = self.ongoing_trials[tuner_id] = trial
        if self.listener is not None:
            self.listener.on_trial_begin(self, trial)
        return trial

    @keras_tuner.synchronized
    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Any:
        """As in keras-tuner; a `"best_epoch"` among the metrics is the step they belong to."""
        metrics = {name: float(value) for name, value in metrics.items()}
        return super().update_trial(trial_id, metrics, step=int(metrics.pop(BEST_EPOCH, step)))

    @keras_tuner.synchronized
    def end_trial(self, trial: Any) -> None:
        """As in keras-tuner; a trial without a result to compare says so, and a worker does not round the values it was given."""
        own = self.trials[trial.trial_id]
        rounding.undo_from(own.hyperparameters.values, trial.hyperparameters.values)
        if trial.status == TrialStatus.COMPLETED and not is_number(self._value(own)):
            trial.status = TrialStatus.INVALID
            trial.message = f"ValueError: `{self.objective.name}` must be a finite number. Received: {self._value(own)}"
        super().end_trial(trial)
        # keras-tuner saves itself while the trial still counts as running, and its chief does not do so again.
        keras_tuner.Oracle.save(self)
        # keras-tuner tells the caller's object nothing of what became of the trial where it is another one.
        trial.status, trial.message, trial.score = own.status, own.message, own.score
        if self.listener is not None:
            self.listener.on_trial_end(self, own)

    def _value(self, trial: Any) -> Any:
        name = self.objective.name
        return trial.metrics.get_last_value(name) if trial.metrics.exists(name) else None

    def set_state(self, state: dict[str, Any]) -> None:
        """As in keras-tuner; a trial that was saved as finished is finished, though the oracle was killed before it knew."""
        finished = [
            name
            for name in state["ongoing_trials"].values()
            if self.trials[name].status in (TrialStatus.COMPLETED, TrialStatus.FAILED)
        ]
        ongoing = {tuner: name for tuner, name in state["ongoing_trials"].items() if name not in finished}
        ended = [*state["end_order"], *(name for name in finished if name not in state["end_order"])]
        super().set_state({**state, "ongoing_trials": ongoing, "end_order": ended})

    def reload(self) -> None:
        """As in keras-tuner; what an interrupted trial has recorded is dropped before it runs again."""
        super().reload()
        state = self.get_state()
        again = set(state["retry_queue"])
        order = [*state["start_order"], *(name for name in self.trials if name not in state["start_order"])]
        self.trials = {
            name: (AtomicTrial.afresh if name in again else AtomicTrial.of)(self.trials[name]) for name in order
        }

    @property
    def interrupted(self) -> list[str]:
        """The trials that will run again."""
        return list(self.get_state()["retry_queue"])
