"""The base class of all recommenders: Keras's methods, recommendation by score, and exact evaluation."""

from __future__ import annotations

import functools
import logging
from typing import Any, ClassVar, TypeVar

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import check_instance, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions
from hyperml_tf.distribution import has_workers
from hyperml_tf.metrics import ranking_report
from hyperml_tf.metrics.gains import CUTOFFS
from hyperml_tf.metrics.protocols import Scorer
from hyperml_tf.models import batches, keras_arguments
from hyperml_tf.models.copies import copied, outside_of_scopes
from hyperml_tf.models.default_optimizer import undamped_adagrad
from hyperml_tf.models.filters import Filters
from hyperml_tf.models.parameter_servers import CoordinatorValidation
from hyperml_tf.models.rate_decay import falling
from hyperml_tf.models.table_model import TableModel
from hyperml_tf.preparation import TrainingRows
from hyperml_tf.retrieval.results import Neighbours, Recommendations

logger = logging.getLogger(__name__)

_Model = TypeVar("_Model", bound="Recommender")

# Scores in memory at a time: 256 MiB of float32.
_SCORES = 2**26


@names_arguments
class Recommender(TableModel):
    """Base class of models that rank candidates for queries.

    A `tfrs.Model` over raw ids. Subclasses must implement `compute_loss`, `score_catalogue` and `get_config`; data pipelines,
    validation, recommendation and exact evaluation are inherited.

    The interaction history of the users is part of the state of the model (`seen`): `fit` adds to it, and it is saved in
    checkpoints of every format.

    Args:
        query_lookup: An `IdLookup` from raw user ids to integer codes.
        candidate_lookup: An `IdLookup` from the raw ids of the catalogue to integer codes.
        seed: Integer, random seed of training. Defaults to `0`.
        seen: A `SeenItems` to share with a tower that reads the histories, too. Defaults to `None`, a new one.
        **kwargs: Base model keyword arguments, such as `name`.

    Example:

    >>> from hyperml_tf.models.baselines import Popularity
    >>> model = Popularity(query_ids=["u1", "u2"], candidate_ids=["a", "b"])
    >>> isinstance(model, Recommender)
    True
    """

    LEARNING_RATE: ClassVar[float] = 0.3
    """The default learning rate of `default_optimizer`."""
    ACCUMULATOR: ClassVar[float] = 0.1
    """Initial value of the accumulators of Adagrad in `default_optimizer`."""
    _rate_falls = False  # whether `fit` lets the learning rate fall: only that of an optimizer that was not given

    @classmethod
    def from_interactions(cls: type[_Model], interactions: Interactions | TrainingRows, **kwargs: Any) -> _Model:
        """Creates a model for the users and items of a table.

        Args:
            interactions: An `Interactions`, or `PreparedTable.training`, whose vocabularies the model takes over.
            **kwargs: Further arguments of the class.

        Returns:
            A new model, not trained yet.
        """
        check_instance(Interactions, TrainingRows, interactions=interactions)
        return cls(query_ids=interactions.user_ids, candidate_ids=interactions.item_ids, **kwargs)

    @classmethod
    def from_config(cls: type[_Model], config: dict[str, Any], custom_objects: Any = None) -> _Model:
        return cls(**config)

    def default_optimizer(self, learning_rate: float | None = None, decay_steps: int | None = None) -> Any:
        """Returns the optimizer of `compile()`: Adagrad that starts like SGD and updates only the rows of the batch.

        Args:
            learning_rate: Optional float > 0, the learning rate of rows that are rarely updated: these move by this number
                times their gradient. The best value depends on the data. Defaults to `LEARNING_RATE` of the class.
            decay_steps: Optional integer, the number of steps over which the learning rate decays linearly to 0. Defaults to
                `None`, a constant learning rate.

        Returns:
            A `RiemannianAdagrad`.
        """
        rate = self.LEARNING_RATE if learning_rate is None else learning_rate
        return undamped_adagrad(rate, self.ACCUMULATOR, decay_steps)

    def compile(
        self,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: Any = None,
        jit_compile: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures the model for training, as `tf.keras.Model.compile`.

        Args:
            optimizer: Optimizer to use. For another learning rate, pass `model.default_optimizer(0.1)`. Defaults to `None`:
                `default_optimizer()`, whose learning rate falls linearly to 0 in each call of `fit`; that of an optimizer that is
                given does not, unless it is a schedule.
            loss: Must be `None`: the loss is part of the model.
            metrics: Optional list of ranking metrics, `HitRate` and `NDCG` of `hyperml_tf.metrics`, which validation computes
                besides `hr@10` and `ndcg@10`, under both protocols. Defaults to `None`.
            loss_weights: Must be `None`, as `loss`.
            weighted_metrics: Must be `None`: a column `sample_weight` of the data weights all metrics.
            run_eagerly: As in `tf.keras.Model.compile`. Defaults to `None`.
            steps_per_execution: As in `tf.keras.Model.compile`. Defaults to `None`.
            jit_compile: Must be `None` or `False`: XLA cannot compile lookups of ids.
            **kwargs: Other arguments of `tf.keras.Model.compile`.

        Raises:
            ValueError: If an argument is given that must be `None`, or a metric that is not a ranking metric.
        """
        keras_arguments.refuse(
            loss=loss, loss_weights=loss_weights, weighted_metrics=weighted_metrics, jit_compile=jit_compile
        )
        with self.distribute_strategy.scope():
            self._measures = keras_arguments.Measures(metrics)
        self._rate_falls = optimizer is None
        super().compile(
            optimizer=self.default_optimizer() if optimizer is None else optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            **kwargs,
        )

    def get_compile_config(self) -> dict[str, Any] | None:
        config = super().get_compile_config()
        if not config:
            return config
        metrics = [tf.keras.utils.serialize_keras_object(metric) for metric in self._measures.asked]
        return {**config, "metrics": metrics or None, "rate_falls": self._rate_falls}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # When Keras loads a model that overrides `compile`, it neither compiles it nor restores the optimizer otherwise.
        config = dict(config)
        rate_falls = config.pop("rate_falls", False)
        self.compile(**tf.keras.utils.deserialize_keras_object(config))
        self._rate_falls = bool(rate_falls)
        if isinstance(self.optimizer, tf.keras.optimizers.Optimizer):
            self.optimizer.build(self.trainable_variables)
        else:
            # Keras does not save the state of these.
            logger.warning(
                "The state of the legacy optimizer %s is not in `.keras` files: training goes on without its moments. Use "
                "`tf.keras.optimizers.%s`, whose state is saved.",
                *[type(self.optimizer).__name__] * 2,
            )

    @property
    def jit_compile(self) -> bool | None:
        """Whether XLA compiles the model, which it cannot; see `compile`."""
        return super().jit_compile

    @jit_compile.setter
    def jit_compile(self, value: bool | None) -> None:
        keras_arguments.refuse(jit_compile=value)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        *,
        replace_seen: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Trains the model for a fixed number of epochs, as `tf.keras.Model.fit`.

        The interactions are added to the histories of the users, as their newest ones. So a model can be loaded and trained on
        the interactions of the last day: it still knows all earlier ones.

        Args:
            x: An `Interactions`, which is the fast way, or a batched `tf.data.Dataset` of dictionaries with raw ids under
                `"user_id"` and `"item_id"`, and optionally weights of the rows under `"sample_weight"`, as those of an
                `Interactions`: a row of weight 2 counts in the loss as if it were there twice. A dataset is read once
                to fill the histories if these are empty; otherwise they stay as they are, see `add_seen`. Rows with ids that
                the model does not know are left out, with a warning. Or a `PreparedTable`, whose training rows are read shard by
                shard: what the rows carry takes the place of the histories, which stay as they are, see `set_seen`. Under a
                `ParameterServerStrategy` also a `tf.keras.utils.experimental.DatasetCreator` of such datasets.
            y: Must be `None`: the interactions are the targets.
            batch_size: Optional integer, the number of positives per step, unless `x` is a dataset. Defaults to `2048`.
            epochs: Integer, the number of passes over the data. Defaults to `1`.
            verbose: As in `tf.keras.Model.fit`. Defaults to `"auto"`.
            callbacks: List of Keras callbacks. Defaults to `None`.
            validation_split: Must be 0: pass `validation_data`, such as that of `hyperml_tf.data.leave_one_out`.
            validation_data: An `Interactions` with one held-out row per user, of which the same sample of users is evaluated
                after every epoch, or a batched dataset like `x`. Logs `val_full_hr@10` and `val_full_ndcg@10`, and with
                `Interactions` also `val_sampled100_hr@10` and `val_sampled100_ndcg@10`. Defaults to `None`.
            replace_seen: Boolean, whether the rows of an `Interactions` replace the histories instead of extending them.
                Defaults to `False`.
            **kwargs: Other arguments of `tf.keras.Model.fit`, except `class_weight` and `sample_weight`.

        Returns:
            A `tf.keras.callbacks.History`.

        Raises:
            ValueError: If `y`, `validation_split`, `class_weight` or `sample_weight` is given, or if `x` or `validation_data` is
                of another type.
        """
        keras_arguments.refuse(**{name: kwargs.pop(name, None) for name in ("class_weight", "sample_weight")})
        if isinstance(x, Interactions):
            keras_arguments.refuse(shuffle=kwargs.pop("shuffle", None))
        if y is not None or validation_split:
            raise ValueError(
                "`y` and `validation_split` must not be given: the interactions are the targets, and `validation_data` takes "
                "held-out ones, see `hyperml_tf.data.leave_one_out`. "
                f"Received: y of type {type(y).__name__}, validation_split={validation_split}"
            )
        if self.optimizer is not None and float(tf.convert_to_tensor(self.optimizer.learning_rate)) == 0.0:
            logger.warning(
                "The learning rate of the optimizer is 0, so training changes nothing: its schedule has ended. Call `compile` "
                "with another one."
            )
        self._measures.unknown.reset_state()
        data, steps = self._training_data(x, batch_size, replace_seen)
        if kwargs.get("steps_per_epoch") is None:
            kwargs["steps_per_epoch"] = steps
        held_out = self._for_replicas(self.validation_dataset(validation_data), validation_data)
        if has_workers(self.distribute_strategy) and held_out is not None:
            evaluate = functools.partial(self._evaluate_here, held_out)
            validation = CoordinatorValidation(evaluate, kwargs.pop("validation_freq", 1))
            callbacks, held_out = [validation, *_as_list(callbacks)], None
        with falling(self.optimizer if self._rate_falls else None) as decay:
            history = super().fit(
                self._for_replicas(data, x),
                epochs=epochs,
                verbose=verbose,
                callbacks=[*decay, *_as_list(callbacks)],
                validation_data=held_out,
                # Without `batch_size`, which Keras rejects if `x` is a dataset.
                **kwargs,
            )
        unknown = int(self._measures.unknown.result())
        if unknown:
            logger.warning(
                "Left out %d rows of `x` in all epochs: the model does not know their user or item.", unknown
            )
        return history

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch, as `tf.keras.Model.train_on_batch`. The histories of the users stay as they are.

        Args:
            x: A dictionary with raw ids under `"user_id"` and `"item_id"`, `(batch,)` each, and optionally weights under
                `"sample_weight"`.
            y: Must be `None`.
            sample_weight: Must be `None`: `x` holds the weights.
            class_weight: Must be `None`.
            reset_metrics: As in `tf.keras.Model.train_on_batch`. Defaults to `True`.
            return_dict: As in `tf.keras.Model.train_on_batch`. Defaults to `False`.

        Returns:
            The loss, or a dictionary with `return_dict=True`.

        Raises:
            ValueError: If `x` is not such a dictionary, or if an argument is given that must be `None`.
        """
        keras_arguments.refuse(y=y, sample_weight=sample_weight, class_weight=class_weight)
        if not len(self.seen):
            logger.warning(
                "The histories are empty, so items of the users may be drawn as negatives: call `set_seen` before "
                "`train_on_batch`, which does not extend them."
            )
        return super().train_on_batch(
            keras_arguments.one_batch(x), reset_metrics=reset_metrics, return_dict=return_dict
        )

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, **kwargs: Any) -> Any:
        """Returns the loss and the validation metrics, as `tf.keras.Model.evaluate`.

        Args:
            x: As `validation_data` of `fit`.
            y: Must be `None`.
            batch_size: Must be `None`: batches have a fixed size, or that of the dataset.
            **kwargs: Other arguments of `tf.keras.Model.evaluate`, except `sample_weight`.

        Returns:
            A list of scalars, or a dictionary with `return_dict=True`. For exact metrics see `evaluate_ranking`.

        Raises:
            ValueError: If `y`, `batch_size` or `sample_weight` is given.
        """
        keras_arguments.refuse(y=y, sample_weight=kwargs.pop("sample_weight", None), batch_size=batch_size)
        self.check_history()
        data = self._for_replicas(self.validation_dataset(x), x)
        if has_workers(self.distribute_strategy):
            logs = self._evaluate_here(data)
            return logs if kwargs.get("return_dict") else list(logs.values())
        return super().evaluate(data, **kwargs)

    def _evaluate_here(self, data: tf.data.Dataset) -> dict[str, float]:
        """The loss and the validation metrics, computed in this process, in variables of its own."""
        loss, measures = tf.keras.metrics.Mean(name="loss"), keras_arguments.Measures(self._measures.asked)
        logs: dict[str, Any] = {}
        for batch in data:
            logs = self._measured(batch, loss, measures)
        return {name: float(value) for name, value in logs.items()}

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch, as `tf.keras.Model.test_on_batch`.

        Args:
            x: A dictionary, as for `train_on_batch`.
            y: Must be `None`.
            sample_weight: Must be `None`: `x` holds the weights.
            reset_metrics: As in `tf.keras.Model.test_on_batch`. Defaults to `True`.
            return_dict: As in `tf.keras.Model.test_on_batch`. Defaults to `False`.

        Returns:
            A list of the loss and the metrics, or a dictionary with `return_dict=True`.

        Raises:
            ValueError: As `train_on_batch`.
        """
        keras_arguments.refuse(y=y, sample_weight=sample_weight)
        self.check_history()
        return super().test_on_batch(keras_arguments.one_batch(x), reset_metrics=reset_metrics, return_dict=return_dict)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns what the model returns when it is called on (user, item) pairs, as `tf.keras.Model.predict`.

        Args:
            x: A dictionary with raw ids under `"user_id"` and `"item_id"`, `(pairs,)` each, an `Interactions`, or a batched
                dataset of such dictionaries.
            *args: Other arguments of `tf.keras.Model.predict`.
            **kwargs: Likewise.

        Returns:
            Distances of the pairs, or scores if the model has no distances, `(pairs,)`.
        """
        self.check_history()
        if isinstance(x, Interactions):
            x = {batches.QUERY: x.user_ids[x.users], batches.CANDIDATE: x.item_ids[x.items]}
        return super().predict(keras_arguments.one_batch(x) if isinstance(x, dict) else x, *args, **kwargs)

    def save(self, filepath: Any, overwrite: bool = True, save_format: str | None = None, **kwargs: Any) -> None:
        """Saves the model as a `.keras` file, as `tf.keras.Model.save`. To serve a model, see `export_saved_model`.

        Args:
            filepath: String or path that ends with `.keras`.
            overwrite: As in `tf.keras.Model.save`. Defaults to `True`.
            save_format: Must be `None` or `"keras"`.
            **kwargs: Other arguments of `tf.keras.Model.save`.

        Raises:
            ValueError: If another format is asked for.
        """
        keras_arguments.check_saving(self, filepath, save_format)
        if has_workers(self.distribute_strategy):
            # With whole tables, which load with any number of shards.
            arguments = {"overwrite": overwrite, "save_format": save_format, **kwargs}
            outside_of_scopes(lambda: copied(self).save(filepath, **arguments))
            return
        super().save(filepath, overwrite=overwrite, save_format=save_format, **kwargs)

    def save_spec(self, dynamic_batch: bool = True) -> Any:
        """Raises a `ValueError`: Keras asks for it when a SavedModel is written, which would hold a forward pass only."""
        raise ValueError(
            f"A {type(self).__name__} cannot be written by `tf.saved_model.save`. {keras_arguments.WAYS_TO_SAVE} "
            "Received: a model that is not exported"
        )

    def recommend(
        self, users: Any, k: int = 10, exclude_seen: bool = True, include: Any = None, exclude: Any = None
    ) -> Recommendations | Neighbours:
        """Recommends the `k` best candidates to each user.

        Args:
            users: Raw user ids, `(batch,)`. Unknown users are allowed.
            k: Integer >= 1, the number of recommendations, at most the size of the catalogue. Defaults to `10`.
            exclude_seen: Boolean, whether to exclude the items of the user's history. Defaults to `True`.
            include: The only items that may be recommended: raw ids, as one list for all users, or a list for each user; rows
                of a matrix may be padded with ids that are not of the catalogue. Unknown ids are ignored. Defaults to `None`,
                all items.
            exclude: Raw ids of items that are not recommended, likewise. Defaults to `None`, none.

        Returns:
            A `Recommendations` with ids and scores, `(batch, k)`, best first; ties are in the order of the catalogue. If fewer
            than `k` items are left, the others are `""`, or -1 for integer ids, with the score minus infinity. Models that score
            by distance return a `Neighbours` with ids and distances.

        Raises:
            ValueError: If `k` is below 1, if users are represented by their histories and all of these are empty, or if
                `include` or `exclude` is not lists of ids, of the type of those of the catalogue.
        """
        k = count(k=k)
        self.check_history()
        codes = self.query_lookup(self.query_lookup.convert(users, "users")).numpy()
        n = len(self.candidate_lookup)
        filters = Filters.of(self.candidate_lookup, len(codes), include, exclude)
        block = max(1, _SCORES // n)
        found = []
        for start in range(0, len(codes), block):
            rows = codes[start : start + block]
            scores = np.array(self.score_catalogue(tf.constant(rows)), np.float32)
            filters.apply(scores, start)
            if exclude_seen:
                positions, seen = self.seen.histories.pairs(tf.constant(rows))
                scores[positions.numpy(), seen.numpy()] = -np.inf
            found.append(tf.math.top_k(scores, min(k, n)))
        best = np.concatenate([result.values.numpy() for result in found])
        indices = np.concatenate([result.indices.numpy() for result in found])
        ids = self.candidate_lookup.raw_array(np.where(np.isneginf(best), -1, indices))
        return Recommendations(ids, best)

    def scorer(self, seen: Interactions | None = None) -> Scorer:
        """Returns a function from user codes, `(batch,)`, to scores of the whole catalogue, `(batch, n)`.

        Args:
            seen: Optional `Interactions`, the histories of the users. Only models that represent users by their histories
                depend on them. Defaults to `None`, the histories in the model.
        """
        return lambda users: self.score_catalogue(tf.convert_to_tensor(users, tf.int32))

    def evaluate_ranking(
        self,
        held_out: Interactions,
        seen: Interactions | None = None,
        negatives: np.ndarray | None = None,
        ks: tuple[int, ...] = CUTOFFS,
        histories: Interactions | None = None,
    ) -> dict[str, float]:
        """Computes exact ranking metrics of held-out items under both protocols, see `hyperml_tf.metrics.ranking_report`.

        Everything before the held-out item is known: the rows of `seen` are the histories of the users, as they would be when
        these are served, and their items are not ranked. The model itself stays as it is.

        Args:
            held_out: An `Interactions` with one row per user. Rows with ids that the model does not know are dropped.
            seen: Optional `Interactions`, the rows before the held-out ones: to evaluate on validation rows, `split.train`; on
                test rows, `split.before_test`. Defaults to `None`, the histories in the model.
            negatives: Optional item codes, `(users, m)`, from `hyperml_tf.data.sampled_negatives`, for the sampled protocol.
                They require that `held_out` has the vocabularies of the model. Defaults to `None`, the full protocol only.
            ks: Tuple of cut-offs of hit rate and nDCG. Defaults to `(5, 10, 20)`.
            histories: Optional `Interactions`, histories other than `seen`. For the older protocol, in which test users are
                represented by their training rows only, `split.train`. Defaults to `None`, the rows of `seen`.

        Returns:
            A dictionary of `full_hr@k`, `full_ndcg@k` and `full_mrr`, and with negatives of `sampled<m>_hr@k`,
            `sampled<m>_ndcg@k` and `sampled<m>_mrr`.

        Raises:
            ValueError: If no row is left, if `negatives` are given and the vocabularies differ, or if users are represented by
                their histories and all of these are empty.
        """
        rows = self._recode(held_out, "held_out")
        if negatives is not None and rows is not held_out:
            raise ValueError(
                "`held_out` must have the vocabularies of the model when `negatives` are given, which are codes: take both "
                f"from a split of the table that the model was made for. Received: {held_out}"
            )
        known = None if seen is None else self._recode(seen, "seen")
        excluded = (self.seen.indptr, self.seen.items) if known is None else known.csr()
        placed_by = known if histories is None else self._recode(histories, "histories")
        if placed_by is None:
            self.check_history()
        # Large batches for a small catalogue, to save on overhead; small ones for a large catalogue, to save memory.
        batch_size = max(16, min(4096, _SCORES // (4 * len(self.candidate_lookup))))
        return ranking_report(self.scorer(placed_by), rows.users, rows.items, excluded, negatives, ks, batch_size)


def _as_list(callbacks: Any) -> list[Any]:
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
