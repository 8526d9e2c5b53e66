"""The search algorithms behind the tuners: the oracles of keras-tuner, made safe against a kill at any moment."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus
from threadpoolctl import threadpool_limits

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.tuning.listener import Listener
from hyperml_tf.tuning.project import read_json, write_json

BEST_EPOCH = "best_epoch"
"""The metric under which our tuners report the best epoch, for which a dictionary of metrics has no other place."""

# Keras knows neither the ranking metrics of this package nor those of TensorFlow Recommenders; all of them are maximized.
_MAXIMIZED = re.compile(r"(^|_|/)(hr|ndcg|hit_rate|recall|mrr|map)@\d+$|top_\d+_categorical_accuracy$")
# keras-tuner takes a seed of 0 for none.
_SEED_OF_ZERO = 2**31 - 1
# How a Gaussian process chooses the trials that are still to come.
_PROCESS = ("num_initial_points", "alpha", "beta")
_LIMITS = ("max_trials", "max_retries_per_trial", "max_consecutive_failed_trials")
# What a resumed search may have other values of. The last three are compared as the search space that they lead to.
_NOT_COMPARED = (*_PROCESS, *_LIMITS, "hyperparameters", "allow_new_entries", "tune_new_entries")


def as_objective(objective: Any) -> Any:
    """Returns an objective for keras-tuner with the direction of ranking metrics filled in.

    Args:
        objective: String, `keras_tuner.Objective`, or a list of them.

    Example:

    >>> as_objective("val_full_ndcg@10").direction
    'max'
    """
    if isinstance(objective, str) and _MAXIMIZED.search(objective):
        return keras_tuner.Objective(objective, "max")
    return [as_objective(one) for one in objective] if isinstance(objective, list) else objective


@names_arguments
def restore_precision(values: dict[str, Any], exact: Iterable[tuple[str, Any]]) -> None:
    """Undoes, in place, the rounding of floats to single precision on their way between a chief and its workers.

    Args:
        values: Hyperparameter values by name.
        exact: Pairs of a name and an exact value, which replaces a value that is equal to it in single precision.

    Example:

    >>> values = {"rate": float(np.float32(0.1))}
    >>> restore_precision(values, [("rate", 0.1)])
    >>> values
    {'rate': 0.1}
    """
    for name, value in exact:
        received = values.get(name)
        if isinstance(value, float) and isinstance(received, float) and np.float32(value) == np.float32(received):
            values[name] = value


@names_arguments
class ResumableOracle(keras_tuner.Oracle):
    """Base class of the oracles, to be placed before one of keras-tuner's among the bases.

    The file of the oracle holds the trials too and is written whole or not at all. It alone decides what a resumed search knows,
    so a kill at any moment leaves nothing that contradicts something else.

    Args:
        objective: As in keras-tuner. The direction of ranking metrics such as `"val_full_ndcg@10"` is known.
        start_with_defaults: Boolean, whether the first trial takes the default of every hyperparameter, as a baseline for the
            others. Defaults to `False`.
        **kwargs: Arguments of the oracle of keras-tuner. `seed=0` is a seed, and `max_consecutive_failed_trials` defaults to
            `None`: the search goes on after failed trials.

    Example:

    >>> oracle = RandomSearchOracle("val_full_ndcg@10", max_trials=2)
    >>> isinstance(oracle, ResumableOracle), oracle.objective.direction
    (True, 'max')
    """

    def __init__(self, objective: Any = None, *args: Any, start_with_defaults: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("max_consecutive_failed_trials", None)
        bound = inspect.signature(super().__init__).bind(as_objective(objective), *args, **kwargs)
        bound.apply_defaults()
        compared = {name: value for name, value in bound.arguments.items() if name not in _NOT_COMPARED}
        if bound.arguments["seed"] == 0:
            bound.arguments["seed"] = _SEED_OF_ZERO
        super().__init__(*bound.args, **bound.kwargs)
        given = {"objective": str(self.objective), "start_with_defaults": start_with_defaults}
        self.search_arguments = {**compared, **given}
        self.start_with_defaults = start_with_defaults
        self.listener: Listener | None = None
        self.path: str | None = None  # of its file; the tuner sets it
        self.trials: dict[str, Any] = {}

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """As in keras-tuner, but for a first trial with the defaults."""
        if self.start_with_defaults and not self.trials:
            return {"status": TrialStatus.RUNNING, "values": _defaults(self.get_space())}
        return super().populate_space(trial_id)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Any:
        """As in keras-tuner; tells the listener."""
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.RUNNING and self.listener is not None:
            self.listener.on_trial_begin(self, trial)
        return trial

    @keras_tuner.synchronized
    def update_trial(self, trial_id: str, metrics: Any, step: int = 0) -> Any:
        """As in keras-tuner; the metric `"best_epoch"` is taken as the step."""
        metrics = {name: float(value) for name, value in metrics.items()}
        return super().update_trial(trial_id, metrics, step=int(metrics.pop(BEST_EPOCH, step)))

    @keras_tuner.synchronized
    def end_trial(self, trial: Any) -> None:
        """As in keras-tuner, with the exact values of a trial that comes from a worker; tells the listener."""
        known = self.trials[trial.trial_id]
        restore_precision(trial.hyperparameters.values, known.hyperparameters.values.items())
        super().end_trial(trial)
        if self.listener is not None:
            self.listener.on_trial_end(self, known)

    def get_best_trials(self, num_trials: int = 1) -> list[Any]:
        """As in keras-tuner, but only trials that have succeeded."""
        trials = super().get_best_trials(num_trials)
        return [trial for trial in trials if trial.status == TrialStatus.COMPLETED]

    def get_state(self) -> dict[str, Any]:
        """As in keras-tuner, with the trials."""
        return {**super().get_state(), "trials": {name: trial.get_state() for name, trial in self.trials.items()}}

    def set_state(self, state: dict[str, Any]) -> None:
        """As in keras-tuner, with the trials. Those that were interrupted are queued to run again from the beginning."""
        self.trials = {name: Trial.from_state(trial) for name, trial in state["trials"].items()}
        # keras-tuner saves a trial that has just ended as one that is running.
        ongoing = state["ongoing_trials"].values()
        interrupted = [name for name in ongoing if self.trials[name].status == TrialStatus.RUNNING]
        for name in interrupted:
            self.trials[name] = Trial(self.trials[name].hyperparameters, trial_id=name)
        super().set_state({**state, "ongoing_trials": {}, "retry_queue": [*state["retry_queue"], *interrupted]})

    def save(self) -> None:
        """As in keras-tuner; with one of our tuners the file is written whole or not at all."""
        if self.path is None:
            super().save()
        else:
            write_json(self.path, self.get_state())

    def reload(self) -> None:
        """As in keras-tuner; with one of our tuners from the file of the oracle alone."""
        state = read_json(self.path, {}) if self.path else {}
        if "trials" in state:
            self.set_state(state)
        else:
            super().reload()


class RandomSearchOracle(ResumableOracle, keras_tuner.oracles.RandomSearchOracle):
    """Random search: `keras_tuner.oracles.RandomSearchOracle`, made resumable.

    It takes the arguments of both base classes.

    Example:

    >>> RandomSearchOracle("val_full_ndcg@10", max_trials=2).max_trials
    2
    """


@names_arguments
class BayesianOptimizationOracle(ResumableOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization: `keras_tuner.oracles.BayesianOptimizationOracle`, made resumable, and faster to choose a trial.

    It takes the arguments of both base classes.

    Example:

    >>> BayesianOptimizationOracle("val_full_ndcg@10", max_trials=2).max_trials
    2
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """As in keras-tuner, with one thread: on matrices of a few rows, more of them wait for each other most of the time."""
        with threadpool_limits(limits=1, user_api="blas"):
            return super().populate_space(trial_id)

    def set_state(self, state: dict[str, Any]) -> None:
        """As in keras-tuner, but the process has the arguments of now, not those that are stored."""
        super().set_state({**state, **{name: getattr(self, name) for name in _PROCESS}})


@names_arguments
class GridSearchOracle(ResumableOracle, keras_tuner.oracles.GridSearchOracle):
    """Grid search: `keras_tuner.oracles.GridSearchOracle`, made resumable.

    It takes the arguments of both base classes.

    The order of the combinations is that of keras-tuner. It keeps its place among them in memory, and a resumed search would end
    at once; here the place is found from the trials, so that any number of workers can run at the same time, too.

    Example:

    >>> GridSearchOracle("val_full_ndcg@10", max_trials=2).max_trials
    2
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the first combination that no trial has."""
        space = self.get_space()
        # A hyperparameter that was discovered after a trial had its default there.
        defaults = {hp.name: hp.default for hp in space.space}
        tried = {
            frozenset((defaults | trial.hyperparameters.values).items()): trial.hyperparameters.values
            for trial in self.trials.values()
        }
        values: dict[str, Any] | None = _defaults(space)
        while values is not None and (combination := frozenset((defaults | values).items())) in tried:
            values = _next_combination(space, tried[combination])
        if values is not None:
            return {"status": TrialStatus.RUNNING, "values": values}
        # A trial that still runs may discover another hyperparameter.
        return {"status": TrialStatus.IDLE if self.ongoing_trials else TrialStatus.STOPPED}


@names_arguments
class HyperbandOracle(ResumableOracle, keras_tuner.oracles.HyperbandOracle):
    """Hyperband: `keras_tuner.oracles.HyperbandOracle`, made resumable.

    keras-tuner continues the best trial of a round as soon as more have succeeded than will be dropped, which in a round with
    failed trials may never happen. Here the best of those that succeeded are continued then.

    Args:
        objective: As in `ResumableOracle`.
        *args: Arguments of `keras_tuner.oracles.HyperbandOracle`.
        start_with_defaults: Must be `False`.
        **kwargs: Keyword arguments of `keras_tuner.oracles.HyperbandOracle`.

    Raises:
        ValueError: If `start_with_defaults` is `True`.

    Example:

    >>> HyperbandOracle("val_full_ndcg@10", max_epochs=9).max_epochs
    9
    """

    def __init__(self, objective: Any = None, *args: Any, start_with_defaults: bool = False, **kwargs: Any) -> None:
        if start_with_defaults:
            raise ValueError("`start_with_defaults` must be False with Hyperband, whose first trials are short ones.")
        super().__init__(objective, *args, **kwargs)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """As in keras-tuner, after what the failed trials of a round have blocked."""
        state = keras_tuner.oracles.HyperbandOracle.get_state(self)
        for bracket in state["brackets"]:
            found = self._blocked(bracket)
            if found is not None:
                number, best = found
                bracket["rounds"][number].append({"past_id": best.trial_id, "id": trial_id})
                keras_tuner.oracles.HyperbandOracle.set_state(self, state)
                values = {
                    **best.hyperparameters.values,
                    "tuner/trial_id": best.trial_id,
                    "tuner/initial_epoch": best.hyperparameters.values["tuner/epochs"],
                    "tuner/epochs": math.ceil(self.max_epochs / self.factor ** (bracket["bracket_num"] - number)),
                    "tuner/round": number,
                }
                return {"status": TrialStatus.RUNNING, "values": values}
        return super().populate_space(trial_id)

    def _blocked(self, bracket: dict[str, Any]) -> tuple[int, Any] | None:
        """Returns the round of a bracket that failed trials have blocked, and the trial to continue in it, if any."""
        size = self._round_size(bracket["bracket_num"], 0)
        for number, following in enumerate(bracket["rounds"][1:], start=1):
            trials = [self.trials[one["id"]] for one in bracket["rounds"][number - 1]]
            succeeded = [trial for trial in trials if trial.status == TrialStatus.COMPLETED]
            failed = sum(trial.status == TrialStatus.FAILED for trial in trials)
            if len(trials) < size or len(succeeded) + failed < len(trials):
                return None
            size = min(self._round_size(bracket["bracket_num"], number), len(succeeded))
            if failed and len(following) < size:
                continued = [one["past_id"] for one in following]
                waiting = [trial for trial in succeeded if trial.trial_id not in continued]
                best = max if self.objective.direction == "max" else min
                return number, best(waiting, key=lambda trial: trial.score)
        return None

    def _round_size(self, bracket: int, number: int) -> int:
        trials_of_one_round = math.ceil(1 + math.log(self.max_epochs, self.factor))
        return math.ceil(trials_of_one_round / (bracket + 1) * self.factor ** (bracket - number))


def _defaults(space: Any) -> dict[str, Any]:
    """Returns the default of every active hyperparameter."""
    space.values = {}
    for hp in space.space:
        if space.is_active(hp):
            space.values[hp.name] = hp.default
    return dict(space.values)


def _next_combination(space: Any, values: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the combination that follows in the grid; `None` after the last one.

    The last hyperparameter that has another value takes it, and those behind it start again with their defaults.
    """
    space.values = dict(values)
    for hp in reversed(space.space):
        if hp.name in values and space.is_active(hp):
            options = [hp.default, *(value for value in hp.values if value != hp.default)]
            position = options.index(values[hp.name]) + 1
            if position < len(options):
                space.values[hp.name] = options[position]
                space.ensure_active_values()
                return dict(space.values)
        space.values[hp.name] = hp.default
    return None
