"""The base class of the tuners."""

from __future__ import annotations

import functools
import logging
import os
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.engine.tuner import maybe_distribute

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.tuning import execution, failures, project, resuming
from hyperml_tf.tuning.best_epoch import BestEpoch, metrics_of
from hyperml_tf.tuning.listener import Listener
from hyperml_tf.tuning.median_pruning import MedianPruning
from hyperml_tf.tuning.oracles import BEST_EPOCH, ResumableOracle, restore_precision

logger = logging.getLogger(__name__)


@names_arguments
class Tuner(keras_tuner.Tuner):
    """`keras_tuner.Tuner` for Keras 2 models, those of TensorFlow Recommenders among them.

    keras-tuner 1.4 follows the Keras 3 that is installed beside TensorFlow, and refuses Keras 2 models. Arguments, methods and
    files are those of `keras_tuner.Tuner`. What differs:

    - A search that is killed at any moment, or whose disk is full, is resumed without repeating a finished trial. It is not
      resumed with other arguments that change what is measured.
    - A trial that fails is logged with its cause, and the search goes on; a search whose trials have all failed raises.
    - With `validation_freq` the best epoch is the best of those that were validated.
    - Trials can be pruned, see `MedianPruning`.

    Args:
        oracle: A `keras_tuner.Oracle`, such as one of `hyperml_tf.tuning.oracles`, which can be resumed at any moment.
        hypermodel: A `keras_tuner.HyperModel`, or a function of `hp` that returns a compiled Keras 2 model. Optional if a
            subclass overrides `run_trial`.
        median_pruning: Boolean, whether to prune trials that are worse than the median of the earlier ones, see `MedianPruning`.
            Defaults to the attribute of this name of the hypermodel, or `False` if it has none.
        listener: Optional object, for progress: its methods `on_trial_begin(oracle, trial)`, `on_trial_end(oracle, trial)` and
            `on_epoch_end(trial, epoch, logs)` are called.
        directory: String, the directory of the search. Defaults to the current one.
        project_name: String, the subdirectory for its files. Defaults to `"untitled_project"`.
        overwrite: Boolean, whether to begin a new search in place of one that is there; no other directory is replaced.
            Defaults to `False`: resume it.
        **kwargs: Other arguments of `keras_tuner.Tuner`: `max_model_size`, `optimizer`, `loss`, `metrics`,
            `distribution_strategy`, `executions_per_trial`.

    Raises:
        FileExistsError: If a directory is to be replaced that holds no search.
        ValueError: If there is no hypermodel and `run_trial` is not overridden, or if the directory holds a search that began
            with other arguments.

    Example:

    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from hyperml_tf.tuning.oracles import RandomSearchOracle
    >>> def build(hp):
    ...     model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    ...     model.compile(tf.keras.optimizers.SGD(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")), "mse")
    ...     return model
    >>> tuner = Tuner(RandomSearchOracle("val_loss", max_trials=2, seed=0), build, directory="search")
    >>> x = np.ones([4, 2]); y = np.ones([4, 1])
    >>> tuner.search(x, y, validation_data=(x, y), verbose=0)
    >>> len(tuner.get_best_models(2))
    2
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        hypermodel: Any = None,
        *args: Any,
        median_pruning: bool | None = None,
        listener: Listener | None = None,
        directory: str | os.PathLike[str] | None = None,
        project_name: str | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> None:
        if hypermodel is None and type(self).run_trial.__module__.startswith("hyperml_tf."):
            raise ValueError("`hypermodel` must be given unless a subclass overrides `run_trial`. Received: None")
        self.listener = listener
        self.median_pruning = getattr(hypermodel, "median_pruning", False) if median_pruning is None else median_pruning
        # In a worker, `self.oracle` is going to be a proxy of the chief's.
        self._own_oracle = oracle
        self._arguments = {
            "oracle": type(oracle).__name__,
            **getattr(oracle, "search_arguments", {"objective": str(oracle.objective)}),
            "executions_per_trial": kwargs.get("executions_per_trial", 1),
            **getattr(hypermodel, "search_arguments", {}),
        }
        if hypermodel is None:
            self._arguments["hyperparameters"] = resuming.describe_space(oracle.get_space())
        self._fit_arguments: dict[str, Any] | None = None
        path = os.path.join(str(directory or "."), project_name or "untitled_project")
        if isinstance(oracle, ResumableOracle):
            oracle.listener, oracle.path = listener, os.path.join(path, project.ORACLE)
        if overwrite and not project.is_worker():
            project.check_replaceable(path)
        if not overwrite and not project.is_worker():
            project.check_files(path)
            project.make_resumable(path)
        places = {"directory": directory, "project_name": project_name, "overwrite": overwrite}
        super().__init__(oracle, hypermodel, *args, **places, **kwargs)
        self._arguments.setdefault("hyperparameters", resuming.describe_space(oracle.get_space()))
        # Whatever `run_trial` returns, also that of a subclass, becomes something that keras-tuner can take.
        self.run_trial = functools.partial(self._run_trial, self.run_trial)  # type: ignore[method-assign]

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs trials until the oracle stops.

        Args:
            *fit_args: Positional arguments for `fit` of the hypermodel, by default those of `fit` of the model.
            **fit_kwargs: Keyword arguments, likewise.

        Raises:
            DiskFullError: If the disk is full.
            FatalRuntimeError: If every trial has failed.
            ValueError: If the search is resumed with other arguments than it began with.
        """
        with failures.disk_full_is_fatal(self.project_dir):
            if not project.is_worker():
                arguments = resuming.describe_fit(fit_args, fit_kwargs)
                if self._fit_arguments is not None:
                    resuming.compare(self.project_dir, self._fit_arguments, arguments)
                self._fit_arguments = arguments
                # From now on there is something to resume.
                self.save()
            super().search(*fit_args, **fit_kwargs)
        if not project.is_worker():
            failures.raise_if_all_failed(list(self.oracle.trials.values()))

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains the model of a trial `executions_per_trial` times.

        Args:
            trial: A `keras_tuner.engine.trial.Trial`.
            *args: Positional arguments of `search`.
            **kwargs: Keyword arguments of `search`.

        Returns:
            A list with a result for each execution: what `fit` of the hypermodel returned, or for a `History` the metrics of the
            best epoch.
        """
        callbacks = kwargs.pop("callbacks", None) or []
        directory, values = self.get_trial_dir(trial.trial_id), trial.hyperparameters.values
        best_epoch = BestEpoch(self.oracle.objective, project.best_weights(directory))
        if "tuner/epochs" in values:  # a round of Hyperband, after which training may go on
            kwargs |= {"epochs": values["tuner/epochs"], "initial_epoch": values["tuner/initial_epoch"]}
            best_epoch.last = project.last_weights(directory)
        earlier = project.read_curves(self.project_dir, exclude=trial.trial_id) if self.median_pruning else []
        results, curves = [], []
        for number in range(self.executions_per_trial):
            copied = execution.copy_callbacks(callbacks, trial, number)
            copied += [execution.TunerHooks(self, trial), best_epoch]
            if self.median_pruning:
                copied.append(MedianPruning(self.oracle.objective, earlier))
            best_epoch.on_train_begin()
            returned = self._build_and_fit(trial, number, *args, callbacks=copied, **kwargs)
            results.append(self._metrics(returned, best_epoch))
            curves.append(best_epoch.curve)
        project.write_curves(directory, curves)
        return results

    def _build_and_fit(self, trial: Any, number: int, *args: Any, **kwargs: Any) -> Any:
        begin_execution = getattr(self.hypermodel, "begin_execution", None)
        if begin_execution is not None:
            begin_execution(number)
        model = execution.build_model(self, trial.hyperparameters)
        continued = trial.hyperparameters.values.get("tuner/trial_id")
        if continued is not None:
            self._restore(model, project.last_weights(self.get_trial_dir(continued)))
        return self.hypermodel.fit(trial.hyperparameters, model, *args, **kwargs)

    def _restore(self, model: Any, prefix: str) -> Any:
        with maybe_distribute(self.distribution_strategy):
            return project.restore_weights(model, prefix)

    def _run_trial(self, run_trial: Any, trial: Any, *args: Any, **kwargs: Any) -> Any:
        with failures.disk_full_is_fatal(self.project_dir):
            returned = run_trial(trial, *args, **kwargs)
        return [self._metrics(one) for one in returned] if isinstance(returned, list) else self._metrics(returned)

    def _metrics(self, returned: Any, best_epoch: BestEpoch | None = None) -> Any:
        metrics = metrics_of(returned, self.oracle.objective, best_epoch.epochs if best_epoch else ())
        if isinstance(metrics, dict) and not isinstance(self._own_oracle, ResumableOracle):
            metrics.pop(BEST_EPOCH, None)
        return metrics

    def load_model(self, trial: Any) -> Any:
        """Returns the model of a trial with the weights of its best epoch.

        Raises:
            ValueError: If the trial has saved no weights.
        """
        model = execution.build_model(self, trial.hyperparameters)
        return self._restore(model, project.best_weights(self.get_trial_dir(trial.trial_id)))

    def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
        """As in keras-tuner; tells the listener."""
        if self.listener is not None:
            self.listener.on_epoch_end(trial, epoch, logs or {})

    def on_trial_begin(self, trial: Any) -> None:
        """As in keras-tuner; a worker restores the values that were rounded on their way from the chief."""
        if project.is_worker():
            types = keras_tuner.engine.hyperparameters
            for hp in self._own_oracle.get_space().space:
                values = hp.values if isinstance(hp, (types.Choice, types.Float)) else ()
                restore_precision(trial.hyperparameters.values, [(hp.name, value) for value in (hp.default, *values)])
        super().on_trial_begin(trial)

    def on_trial_end(self, trial: Any) -> None:
        """As in keras-tuner; logs why a trial has failed."""
        super().on_trial_end(trial)
        if trial.status in (TrialStatus.FAILED, TrialStatus.INVALID):
            # A worker does not know whether its chief will try the trial again.
            retried = trial.status == TrialStatus.INVALID and self._own_oracle.max_retries_per_trial > 0
            again = " and may be tried again" if retried else ""
            logger.warning("Trial %s failed%s: %s", trial.trial_id, again, failures.describe(trial))

    def get_state(self) -> dict[str, Any]:
        """Returns the arguments with which the search can be resumed."""
        return {"arguments": self._arguments, "search": self._fit_arguments}

    def save(self) -> None:
        """As in keras-tuner; the files are written whole or not at all."""
        if not project.is_worker():
            self.oracle.save()
        project.write_json(self._file(), self.get_state())

    def reload(self) -> None:
        """As in keras-tuner, after a comparison with the arguments that the search began with.

        Raises:
            ValueError: If they differ.
        """
        if self.hypermodel is not None:
            self._arguments["hyperparameters"] = resuming.explore_space(self.hypermodel, self._own_oracle)
        state = project.read_json(self._file())
        resuming.compare(self.project_dir, state.get("arguments", self._arguments), self._arguments)
        self._fit_arguments = state.get("search")
        super().reload()

    def _file(self) -> str:
        return os.path.join(self.project_dir, f"{self.tuner_id}.json")
