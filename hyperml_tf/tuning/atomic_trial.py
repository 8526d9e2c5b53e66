"""A trial whose file is never half written."""

from __future__ import annotations

from typing import Any

from keras_tuner.engine import trial as trial_module

from hyperml_tf.tuning.atomic_state import AtomicState


class AtomicTrial(trial_module.Trial, AtomicState):
    """A `keras_tuner` trial with an atomic `save`."""

    @classmethod
    def of(cls, trial: Any) -> AtomicTrial:
        """The same trial with all it has recorded."""
        return trial if isinstance(trial, cls) else cls.from_state(trial.get_state())

    @classmethod
    def afresh(cls, trial: Any) -> AtomicTrial:
        """The trial as it was before it ran: what an interrupted run recorded would count beside that of the next."""
        return cls(hyperparameters=trial.hyperparameters, trial_id=trial.trial_id, status=trial.status)
