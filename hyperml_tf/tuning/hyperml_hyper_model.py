"""HyperML as a hypermodel of keras-tuner."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras_tuner
import tensorflow as tf

from hyperml_tf._argument_checks import check_instance, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML
from hyperml_tf.runs import TrainingConfig, fitting
from hyperml_tf.tables import SeenItems
from hyperml_tf.tuning.search_space import HYPERPARAMETERS, SearchSpace


@names_arguments
class HyperMLHyperModel(keras_tuner.HyperModel):
    """Trains HyperML on one table, in each trial with other hyperparameters, as `train_run` would with the same ones.

    `tuner.search()` takes no data. The table, its vocabularies, the index of what users have seen, and the validation rows with
    their sampled negatives are prepared once for all trials.

    Args:
        training: `Interactions` to train on.
        validation: `Interactions` with one held-out row for each user, in the vocabularies of `training`.
        space: Dictionary of hyperparameters to fix, narrow or add to the default space, see `SearchSpace`; or a `SearchSpace`,
            which is used as it is. Defaults to `SearchSpace.default()`.
        config: The settings that are not in the space, and the values that the search starts from. Defaults to
            `TrainingConfig()`.
        validate_every: Integer, at least 1, the epochs between validations; the last epoch is always validated. Defaults to 2.
        median_pruning: Boolean, whether to prune trials that are worse than the median of the earlier ones, see `MedianPruning`.
            Defaults to `True`.
        name: Optional string, as in keras-tuner.
        tunable: Boolean, as in keras-tuner. Defaults to `True`.

    Raises:
        ValueError: If `space` is not a search space, or `validate_every` < 1.

    Example:

    >>> from hyperml_tf.data import leave_one_out, synthesize
    >>> from hyperml_tf.tuning import RandomSearch
    >>> split = leave_one_out(synthesize(n_users=40, n_items=64, n_rows=400).table, order="last")
    >>> config = TrainingConfig(epochs=2, batch_size=256)
    >>> hypermodel = HyperMLHyperModel(split.train, split.validation, {"dim": [4, 8], "batch_size": 256}, config)
    >>> tuner = RandomSearch(hypermodel, hypermodel.objective, max_trials=1, directory="search", seed=0)
    >>> tuner.search(verbose=0)
    >>> hypermodel.config_of(tuner.get_best_hyperparameters()[0]).batch_size
    256
    """

    objective = fitting.MONITOR

    def __init__(
        self,
        training: Interactions,
        validation: Interactions,
        space: Mapping[str, Any] | SearchSpace | None = None,
        config: TrainingConfig | None = None,
        validate_every: int = 2,
        median_pruning: bool = True,
        name: str | None = None,
        tunable: bool = True,
    ) -> None:
        super().__init__(name=name, tunable=tunable)
        count(validate_every=validate_every)
        check_instance(Interactions, training=training, validation=validation)
        check_instance(TrainingConfig, type(None), config=config)
        self.training, self.validation = training, validation
        self.space = space if isinstance(space, SearchSpace) else SearchSpace.default().updated(space or {})
        self.config = config or TrainingConfig()
        self.validate_every, self.median_pruning = int(validate_every), bool(median_pruning)
        self._seen: SeenItems | None = None
        self._execution = 0
        self._validation: Any = None
        self._defaults = self._default_values()

    def _default_values(self) -> dict[str, Any]:
        """Returns the values that a search starts from, also where `config` leaves them to the model."""
        resolved = self.config.resolved(self.training)
        return {name: getattr(resolved, name) for name in HYPERPARAMETERS}

    @property
    def search_arguments(self) -> dict[str, Any]:
        """What must be the same, besides the search space, for a search to be resumed; values as in JSON."""
        left_to_the_model = {name: None for name, value in self.space.entries.items() if value is None}
        return {
            "training": self.training.fingerprint(),
            "validation": self.validation.fingerprint(),
            "validate_every": self.validate_every,
            "config": {**self.config.to_dict(), **left_to_the_model},
        }

    def config_of(self, hp: keras_tuner.HyperParameters) -> TrainingConfig:
        """Returns the settings of a trial.

        Args:
            hp: The `keras_tuner.HyperParameters` of the trial.

        Raises:
            ValueError: If the values do not go together.
        """
        values = self.space.choose(hp, self._defaults)
        config = dataclasses.replace(self.config, **values)
        if config.mode == "direct" and {"mode", "history"} & set(values):
            # Users have a history in tangent mode only.
            config = dataclasses.replace(config, history=None)
        return config

    def begin_execution(self, execution: int) -> None:
        """Called by the tuner: the n-th execution of a trial adds n to the seed."""
        self._execution = int(execution)

    def build(self, hp: keras_tuner.HyperParameters) -> HyperML:
        """Returns the compiled model of a trial.

        Args:
            hp: The `keras_tuner.HyperParameters` of the trial.
        """
        config = self.config_of(hp)
        config = dataclasses.replace(config, seed=(config.seed + self._execution) % 2**31)
        model = fitting.new_model(self.training, config)
        if self._seen is None:
            model.set_seen(self.training)
            self._seen = model.seen
        model.seen.copy_from(self._seen)
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: HyperML, *args: Any, **kwargs: Any) -> Any:
        """Trains the model of a trial.

        Args:
            hp: The `keras_tuner.HyperParameters` of the trial.
            model: The model of the trial.
            **kwargs: As for `fit` of Keras, without data and `batch_size`.

        Returns:
            The `History`.

        Raises:
            FatalValueError: If data or `batch_size` is given.
        """
        given = sorted({"x", "y", "validation_data", "batch_size"} & set(kwargs))
        if args or given:
            raise keras_tuner.errors.FatalValueError(
                "`search` takes no data and no `batch_size`: a `HyperMLHyperModel` has its table, and the batch size is one of "
                f"its hyperparameters. Received: {given or 'positional arguments'}"
            )
        config = self.config_of(hp)
        epochs, first = kwargs.pop("epochs", config.epochs), kwargs.get("initial_epoch", 0)
        validated = [n for n in range(first + 1, epochs + 1) if n % self.validate_every == 0 or n == epochs]
        # Batches as `fit` makes them of `Interactions`, but without another index of what users have seen.
        batches = model.training_batches(self.training, config.batch_size)
        return model.fit(
            batches,
            epochs=epochs,
            validation_data=self._validation_batches(model),
            callbacks=[tf.keras.callbacks.TerminateOnNaN(), *kwargs.pop("callbacks", [])],
            **{"verbose": 0, "validation_freq": validated, **kwargs},
        )

    def _validation_batches(self, model: HyperML) -> Any:
        if self._validation is None:
            self._validation = model.validation_dataset(self.validation)
        return self._validation

    def evaluate(self, model: HyperML) -> dict[str, float]:
        """Returns the metrics of a model on the validation rows, with the names that they have in a trial without `val_`."""
        return model.evaluate(self._validation_batches(model), verbose=0, return_dict=True)
