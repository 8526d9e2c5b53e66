"""The tuner that the others are made of."""

from __future__ import annotations

import logging
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from hyperml_tf.tuning import building, checkpoints, failures, rounding, trial_callbacks
from hyperml_tf.tuning.atomic_state import AtomicState, read_json
from hyperml_tf.tuning.best_epoch import BestEpoch
from hyperml_tf.tuning.disk_full_error import DiskFullError, is_disk_full
from hyperml_tf.tuning.oracles import ResumableOracle
from hyperml_tf.tuning.results import trial_result
from hyperml_tf.tuning.stop_hopeless import StopHopeless

logger = logging.getLogger(__name__)


class Tuner(keras_tuner.Tuner, AtomicState):
    """`keras_tuner.Tuner` for Keras 2 models, those of TensorFlow Recommenders among them.

    keras-tuner 1.4 follows the Keras 3 that is installed beside TensorFlow, and refuses them. Arguments, methods and files are
    those of `keras_tuner.Tuner`. What differs:

    - A search that is killed at any moment, or whose disk is full, is resumed without repeating a finished trial.
    - A trial that fails is logged with its cause and the search goes on; a search whose trials all failed raises.
    - With `validation_freq` the best epoch is the best of those that were validated.
    - A trial can end early, see `stop_hopeless`.

    Args:
        oracle: what decides on the trials, see `hyperml_tf.tuning.oracles`.
        hypermodel: a `HyperModel`, or a function of `hp` that returns a compiled Keras 2 model.
        stop_hopeless: whether a training ends early that is worse than the median of earlier ones, see `StopHopeless`. None: if
            the hypermodel says so by an attribute of this name, as `HyperMLHyperModel` does.
        listener: an object whose `on_trial_begin(oracle, trial)`, `on_trial_end(oracle, trial)` and
            `on_epoch_end(trial, epoch, logs)` are called, to show progress.
        **kwargs: as for `keras_tuner.Tuner`.

    Raises:
        ValueError: if there is no hypermodel, unless a subclass overrides `run_trial`.

    Example:

    >>> import numpy as np
    >>> import tensorflow as tf
    >>> def build(hp):
    ...     model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    ...     model.compile(tf.keras.optimizers.SGD(hp.Float("rate", 1e-3, 1e-1, sampling="log")), "mse")
    ...     return model
    >>> from hyperml_tf.tuning.oracles import RandomSearchOracle
    >>> tuner = Tuner(RandomSearchOracle("val_loss", max_trials=2, seed=0), build, directory="trials")
    >>> x = np.ones([4, 2]); y = np.ones([4, 1])
    >>> tuner.search(x, y, validation_data=(x, y), verbose=0)
    >>> len(tuner.get_best_models(2))
    2
    """

    def __init__(
        self,
        oracle: Any,
        hypermodel: Any = None,
        *args: Any,
        stop_hopeless: bool | None = None,
        listener: Any = None,
        **kwargs: Any,
    ) -> None:
        own = (Tuner.run_trial, *(vars(cls).get("run_trial") for cls in type(self).__mro__ if _is_ours(cls)))
        if hypermodel is None and type(self).run_trial in own:
            raise ValueError("`hypermodel` must be given unless a subclass overrides `run_trial`. Received: None")
        self._declared = oracle
        self._resumable = isinstance(oracle, ResumableOracle)
        self.listener = listener
        if self._resumable:
            oracle.listener = listener
        if not kwargs.get("overwrite") and not self._is_worker():
            checkpoints.adopt(kwargs.get("directory"), kwargs.get("project_name"))
        super().__init__(oracle, hypermodel, *args, **kwargs)
        if stop_hopeless is None:
            stop_hopeless = bool(getattr(hypermodel, "stop_hopeless", False))
        self.stop_hopeless = stop_hopeless

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs trials until there are enough of them. Arguments: as for `fit` of the model.

        Raises:
            DiskFullError: if nothing can be written any more.
            FatalRuntimeError: if every trial has failed.
        """
        try:
            if not self._is_worker():
                # From the first trial on there is something to resume.
                keras_tuner.Tuner.save(self)
            super().search(*fit_args, **fit_kwargs)
        except Exception as error:
            if is_disk_full(error) and not isinstance(error, DiskFullError):
                raise DiskFullError.at(self.project_dir) from error
            raise
        if not self._is_worker():
            failures.raise_if_all_failed(self.oracle)

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains the model of a trial as often as `executions_per_trial` says. Arguments: as for `search`.

        Returns:
            What `fit` of the hypermodel returned, a list of one or more; a history as a dictionary of its best epoch.
        """
        given = kwargs.pop("callbacks", None) or []
        keeper = BestEpoch(self.oracle.objective, *self.checkpoint_prefixes(trial.trial_id))
        results, curves = [], []
        earlier = checkpoints.curves(self.project_dir, trial.trial_id) if self.stop_hopeless else []
        try:
            for execution in range(self.executions_per_trial):
                callbacks = trial_callbacks.copies(given)
                keeper.on_train_begin()
                trial_callbacks.write_to_tensorboard(callbacks, trial, execution)
                callbacks += [trial_callbacks.hooks(self, trial), keeper]
                if self.stop_hopeless:
                    callbacks.append(StopHopeless(self.oracle.objective, earlier))
                returned = self._fit(trial, execution, args, {**kwargs, "callbacks": callbacks})
                results.append(trial_result(returned, self.oracle.objective, keeper, with_epoch=self._resumable))
                curves.append(keeper.curve)
            checkpoints.write_curves(self.get_trial_dir(trial.trial_id), curves)
        except Exception as error:
            if is_disk_full(error):
                raise DiskFullError.at(self.project_dir) from error
            raise
        return results

    def checkpoint_prefixes(self, trial_id: str) -> tuple[str, ...]:
        """The checkpoints of a trial: that of the best epoch, and where training is to go on later that of the end."""
        return (checkpoints.best(self.get_trial_dir(trial_id)),)

    def _fit(self, trial: Any, execution: int, args: Any, kwargs: dict[str, Any]) -> Any:
        hp = trial.hyperparameters
        begin = getattr(self.hypermodel, "begin_execution", None)
        if begin is not None:
            begin(execution)
        building.forget_earlier_models()
        model = building.build(self, hp)
        self.prepare_model(trial, model)
        return self.hypermodel.fit(hp, model, *args, **kwargs)

    def prepare_model(self, trial: Any, model: Any) -> None:
        """Called with the new model of a trial before it is trained; does nothing."""

    def load_model(self, trial: Any) -> Any:
        """The model of a trial with the weights of its best epoch.

        Raises:
            ValueError: if the trial has saved none.
        """
        model = building.build(self, trial.hyperparameters)
        prefix = checkpoints.best(self.get_trial_dir(trial.trial_id))
        checkpoints.restore(model, prefix, trial.trial_id, self.distribution_strategy)
        return model

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The models of the best trials, best first; only of trials that have succeeded."""
        return [self.load_model(trial) for trial in self._succeeded(num_models)]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[Any]:
        """The hyperparameters of the best trials, best first; only of trials that have succeeded."""
        return [trial.hyperparameters for trial in self._succeeded(num_trials)]

    def _succeeded(self, number: int) -> list[Any]:
        return [trial for trial in self.oracle.get_best_trials(number) if trial.status == TrialStatus.COMPLETED]

    def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        """As in keras-tuner; tells the listener."""
        if self.listener is not None:
            self.listener.on_epoch_end(trial, epoch, logs or {})

    def on_trial_begin(self, trial: Any) -> None:
        """As in keras-tuner; a worker gets back the values that were rounded on their way from the chief."""
        if self._is_worker():
            rounding.undo_in_space(self._declared.get_space(), trial.hyperparameters.values)
        super().on_trial_begin(trial)

    def on_trial_end(self, trial: Any) -> None:
        """As in keras-tuner; says why a trial has failed."""
        super().on_trial_end(trial)
        if trial.status in (TrialStatus.FAILED, TrialStatus.INVALID):
            # A worker does not know whether its chief will try the trial again.
            retried = trial.status == TrialStatus.INVALID and self._declared.max_retries_per_trial > 0
            again = " and may be tried again" if retried else ""
            logger.warning("Trial %s failed%s: %s", trial.trial_id, again, failures.described(trial))

    def reload(self) -> None:
        """As in keras-tuner, after removing what a kill left behind."""
        if not self._is_worker():
            checkpoints.remove_unstarted(self.project_dir, read_json(f"{self.project_dir}/oracle.json")["start_order"])
        super().reload()


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith(__package__ or "hyperml_tf.tuning")
