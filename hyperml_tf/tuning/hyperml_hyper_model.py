"""HyperML as keras-tuner sees it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras_tuner
import tensorflow as tf

from hyperml_tf.data import Interactions, training_dataset
from hyperml_tf.models import HyperML
from hyperml_tf.runs import TrainingConfig, recipe
from hyperml_tf.tuning.space import SETTINGS, Space


class HyperMLHyperModel(keras_tuner.HyperModel):
    """Trains HyperML on one table with other settings in each trial, as `train_run` would with the same settings.

    The table, its vocabularies, the index of what users have seen, and the validation rows with their sampled negatives are made
    once and serve every trial: `tuner.search()` takes no data.

    The space unless another is given: `dim` 32, 64 or 128; `curvature` .1 to 4, `margin` 4 to 32, `distortion_weight` .01 to 1,
    `learning_rate` .01 to .2 and `negatives` 10 to 256, each by its logarithm; `mode` tangent or direct; `optimizer` adagrad,
    adam or sgd; `batch_size` 512, 1024, 2048 or 4096.

    Args:
        training: the rows to train on.
        validation: one held-out row a user, in the vocabularies of `training`.
        space: settings to fix, narrow or add, in the form of `Space`; or a `Space`, which is taken as it is.
        config: the settings that are not in the space, and the values the search starts from.
        validate_every: epochs between validations; the last epoch is always validated.
        stop_hopeless: whether trials end early that are worse than the median of earlier ones, see `StopHopeless`.
        name, tunable: as in keras-tuner.

    Raises:
        ValueError: if `space` is not one, or `validate_every` < 1.

    Example:

    >>> from hyperml_tf.data import leave_one_out, synthesize
    >>> from hyperml_tf.tuning import RandomSearch
    >>> split = leave_one_out(synthesize(n_users=40, n_items=64, n_rows=400).table, order="last")
    >>> config = TrainingConfig(epochs=2, batch_size=256)
    >>> hypermodel = HyperMLHyperModel(split.train, split.validation, {"dim": [4, 8], "batch_size": 256}, config)
    >>> tuner = RandomSearch(hypermodel, hypermodel.objective, max_trials=1, directory="trials", seed=0)
    >>> tuner.search(verbose=0)
    >>> hypermodel.config_of(tuner.get_best_hyperparameters()[0]).batch_size
    256
    """

    objective = recipe.MONITOR

    def __init__(
        self,
        training: Interactions,
        validation: Interactions,
        space: Mapping[str, Any] | Space | None = None,
        config: TrainingConfig | None = None,
        validate_every: int = 2,
        stop_hopeless: bool = True,
        name: str | None = None,
        tunable: bool = True,
    ) -> None:
        super().__init__(name=name, tunable=tunable)
        if validate_every < 1:
            raise ValueError(f"`validate_every` must be at least 1. Received: validate_every={validate_every}")
        self.training, self.validation = training, validation
        self.space = space if isinstance(space, Space) else Space.default().updated(space or {})
        self.config = config or TrainingConfig()
        self.validate_every, self.stop_hopeless = int(validate_every), bool(stop_hopeless)
        self._execution = 0
        self._seen: Any = None
        self._validation: Any = None
        self._defaults = self._default_values()

    def _default_values(self) -> dict[str, Any]:
        """The settings a search starts from; those the model chooses by itself, as it chooses them for this catalogue."""
        model = HyperML.from_interactions(self.training, dim=1, mode=self.config.mode)
        chosen = {"margin": model.margin, "negatives": model.negatives}
        own = recipe.settled(self.training, self.config).to_dict()
        return {name: own[name] if own[name] is not None else chosen.get(name) for name in SETTINGS}

    def config_of(self, hp: Any) -> TrainingConfig:
        """The settings of a trial.

        Args:
            hp: its `keras_tuner.HyperParameters`.

        Raises:
            ValueError: if they do not go together.
        """
        values = self.space.choose(hp, self._defaults)
        return dataclasses.replace(self.config, **{name: value for name, value in values.items() if name in SETTINGS})

    def begin_execution(self, execution: int) -> None:
        """Called by our tuners: the seed of the n-th execution of a trial is that of the settings plus n."""
        self._execution = int(execution)

    def build(self, hp: Any) -> HyperML:
        """The compiled model of a trial."""
        config = self.config_of(hp)
        config = dataclasses.replace(config, seed=(config.seed + self._execution) % 2**31)
        values = self.space.choose(hp, self._defaults)
        model = recipe.new_model(
            self.training, config, **{name: value for name, value in values.items() if name not in SETTINGS}
        )
        if self._seen is None:
            model.set_seen(self.training)
            self._seen = model.seen
        model.seen.share(self._seen)
        return model

    def fit(self, hp: Any, model: HyperML, *args: Any, **kwargs: Any) -> Any:
        """Trains the model of a trial. Arguments: as for `fit` of Keras, but for the data.

        Raises:
            ValueError: if data is given.
        """
        given = sorted({"x", "y", "validation_data", "batch_size"} & set(kwargs))
        if args or given:
            raise keras_tuner.errors.FatalValueError(
                "`search` takes no data and no `batch_size`: a `HyperMLHyperModel` has its table, and the batch size is one of "
                f"its settings. Received: {given or 'positional arguments'}"
            )
        config = self.config_of(hp)
        epochs, first = kwargs.pop("epochs", config.epochs), kwargs.get("initial_epoch", 0)
        kwargs.setdefault("verbose", 0)
        callbacks = [tf.keras.callbacks.TerminateOnNaN(), *kwargs.pop("callbacks", [])]
        kwargs.setdefault("validation_freq", self._validated(first, epochs))
        return model.fit(
            self._batches(model, config),
            epochs=epochs,
            validation_data=self._validation_batches(model),
            callbacks=callbacks,
            **kwargs,
        )

    def _validated(self, first: int, epochs: int) -> list[int]:
        """The epochs to validate, counted from 1."""
        return [n for n in range(first + 1, epochs + 1) if n % self.validate_every == 0 or n == epochs]

    def _batches(self, model: HyperML, config: TrainingConfig) -> Any:
        """The batches that `fit` makes of an `Interactions`, but the index of what users have seen is not made anew."""
        return training_dataset(
            self.training, config.batch_size, seed=model.seed, progress=lambda: model.batches.read_value()
        )

    def _validation_batches(self, model: HyperML) -> Any:
        if self._validation is None:
            self._validation = model.validation_dataset(self.validation)
        return self._validation

    def evaluate(self, model: HyperML) -> dict[str, float]:
        """The metrics of a model on the validation rows, under the names they have in a trial but for `val_`."""
        return model.evaluate(self._validation_batches(model), verbose=0, return_dict=True)
