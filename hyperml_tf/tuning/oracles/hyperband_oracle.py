"""Hyperband."""

from __future__ import annotations

from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from hyperml_tf.tuning.oracles.resumable_oracle import ResumableOracle


class HyperbandOracle(ResumableOracle, keras_tuner.oracles.HyperbandOracle):
    """Arguments: see `keras_tuner.oracles.HyperbandOracle` and `ResumableOracle`.

    The trials are those of the brackets: there is no first one with the defaults.

    Raises:
        ValueError: if `start_with_defaults` is asked for.
    """

    def __init__(self, objective: Any = None, *args: Any, start_with_defaults: bool = False, **kwargs: Any) -> None:
        if start_with_defaults:
            raise ValueError("`start_with_defaults` must be False with Hyperband, whose first trials are short ones.")
        super().__init__(objective, *args, **kwargs)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """As in keras-tuner, but the best of a round are also continued where others of the round have failed.

        keras-tuner continues a trial as soon as more have succeeded than will be thrown out. Of a round with failures that may
        never be so: one in a round of three is enough, and what was found in the round would be left as it is.
        """
        for bracket in self._brackets:
            if (found := self._to_continue(bracket)) is not None:
                number, trial = found
                bracket["rounds"][number].append({"past_id": trial.trial_id, "id": trial_id})
                epochs = [self._get_epochs(bracket["bracket_num"], one) for one in (number - 1, number)]
                own = {"trial_id": trial.trial_id, "initial_epoch": epochs[0], "epochs": epochs[1]}
                own |= {"bracket": bracket["bracket_num"], "round": number}
                values = trial.hyperparameters.values | {f"tuner/{name}": value for name, value in own.items()}
                return {"status": TrialStatus.RUNNING, "values": values}
        return super().populate_space(trial_id)

    def _to_continue(self, bracket: dict[str, Any]) -> tuple[int, Any] | None:
        """The round of a bracket that failures have left short of trials, and the trial to continue in it."""
        expected = self._get_size(bracket["bracket_num"], 0)
        for number, following in enumerate(bracket["rounds"][1:], start=1):
            trials = [self.trials[one["id"]] for one in bracket["rounds"][number - 1]]
            succeeded = [trial for trial in trials if trial.status == TrialStatus.COMPLETED]
            failed = sum(trial.status == TrialStatus.FAILED for trial in trials)
            if len(trials) < expected or len(succeeded) + failed < len(trials):
                return None
            expected = min(self._get_size(bracket["bracket_num"], number), len(succeeded))
            if failed and len(following) < expected:
                taken = {one["past_id"] for one in following}
                best = max if self.objective.direction == "max" else min
                rest = [trial for trial in succeeded if trial.trial_id not in taken]
                return number, best(rest, key=lambda trial: trial.score)
        return None
