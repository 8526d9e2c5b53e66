"""What a recommender does with one batch: the step of training, that of validation, and the random draws of both."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs

from hyperml_tf._argument_checks import random_seed
from hyperml_tf.distribution import has_workers
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.models import batches, keras_arguments
from hyperml_tf.models.step_measures import StepMeasures
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import IdLookup, SeenItems


class BatchModel(tfrs.Model):
    """Base class of `TableModel`: a model of users and items that learns from batches of rows.

    Subclasses must implement `compute_loss` and `score_catalogue`.

    Args: those of `Recommender`.
    """

    def __init__(
        self,
        query_lookup: IdLookup,
        candidate_lookup: IdLookup,
        seed: int = 0,
        seen: SeenItems | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.query_lookup, self.candidate_lookup = query_lookup, candidate_lookup
        self.seed = random_seed(seed=seed)
        self.seen = SeenItems(len(query_lookup), len(candidate_lookup), name="seen") if seen is None else seen
        # The number of training batches so far. Random draws depend on the seed and on this number only, so a resumed run
        # continues as if it had not been interrupted. A weight, so that checkpoints hold it.
        self.batches = self.add_weight(
            name="batches",
            shape=(),
            dtype=tf.int64,
            trainable=False,
            initializer="zeros",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self._loss_tracker = tf.keras.metrics.Mean(name="loss")
        self._measures = keras_arguments.Measures()
        self._step_measures: StepMeasures | None = None
        self._traced_version: int | None = None
        # Results of metrics are those of all replicas already. Keras would add them up across workers.
        self.distribute_reduction_method = "first"
        # All variables exist already: none depends on the shape of an input.
        self.built = True

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        """Computes the loss of a batch of positives, summed over the batch. Subclasses must implement it.

        Args:
            inputs: A dictionary with raw ids under `"user_id"` and `"item_id"`, or codes under `"user"` and `"item"`, each
                `(batch,)`, and optionally weights under `"sample_weight"`. Rows with an unknown id have weight 0.
            training: Boolean, whether this is a training step, which draws new negatives. Defaults to `False`.

        Returns:
            A float32 scalar.
        """
        raise NotImplementedError("Subclasses must implement `compute_loss`.")

    def score_catalogue(self, users: Tensor) -> Tensor:
        """Scores all candidates for each user; higher is better. Subclasses must implement it, for use in graphs too.

        Args:
            users: User codes, `(batch,)`, int32; -1 for unknown users.

        Returns:
            Scores, `(batch, n)`, in the order of the catalogue.
        """
        raise NotImplementedError("Subclasses must implement `score_catalogue`.")

    def make_train_function(self, force: bool = False) -> Any:
        # The graph of a training step captures the hash table of seen pairs, so it is retraced when these have changed.
        changed, self._traced_version = self.seen.version != self._traced_version, self.seen.version
        if hasattr(self.optimizer, "build"):
            # A graph that creates variables when it is first traced is traced a second time.
            self.optimizer.build(self.trainable_variables)
        if has_workers(self.distribute_strategy):
            # Workers get their hash tables outside of the graphs that read them.
            self.seen.prepare()
        return super().make_train_function(force or changed)

    def measure_steps(self) -> StepMeasures:
        """Lets every training step measure its gradients and count its examples, and returns what they measure.

        Callbacks call it in `set_model`, before `fit` traces the step. The `SpaceBoard` does.
        """
        self._step_measures = StepMeasures(self.trainable_variables)
        self.train_function = None  # traced without
        return self._step_measures

    def train_step(self, data: Any) -> dict[str, Tensor]:
        data = keras_arguments.unpacked(data)
        with tf.GradientTape() as tape:
            loss = self.compute_loss(data, training=True)
            extra = tf.add_n([tf.cast(tf.reduce_sum(value), tf.float32) for value in self.losses] or [0.0])
            # Gradients are summed over replicas. That is right for the loss, a sum over the positives of each replica, but
            # regularization must count once.
            scaled = loss + extra / tf.distribute.get_strategy().num_replicas_in_sync
            if hasattr(self.optimizer, "get_scaled_loss"):
                scaled = self.optimizer.get_scaled_loss(scaled)
        gradients = tape.gradient(scaled, self.trainable_variables)
        if hasattr(self.optimizer, "get_unscaled_gradients"):
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        else:
            gradients = self.checked_gradients(gradients)
        if self._step_measures is not None:
            self._step_measures.update(gradients, tf.cast(tf.size(self.codes(data)[0]), tf.float32))
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        # Only once the batch has been read, because the shuffling of an epoch reads this number.
        with tf.control_dependencies([loss]):
            self.batches.assign_add(1)
        if batches.QUERY in data:
            users, items = self.codes(data)
            self._measures.unknown.update_state(tf.cast((users < 0) | (items < 0), tf.float32))
        return self._track(loss + extra, data, self._loss_tracker)

    def checked_gradients(self, gradients: list[Any]) -> list[Any]:
        """Returns the gradients of `trainable_variables`, checked by models that compute points by networks of the user."""
        return gradients

    def test_step(self, data: Any) -> dict[str, Tensor]:
        return self._measured(keras_arguments.unpacked(data), self._loss_tracker, self._measures)

    def _measured(self, data: Any, loss: Any, measures: keras_arguments.Measures) -> dict[str, Tensor]:
        """The results of the metrics, updated by a batch."""
        logs = self._track(self.compute_loss(data), data, loss)
        users, items = self.codes(data)
        rows = tf.squeeze(tf.where((users >= 0) & (items >= 0)), -1)
        weights = batches.sample_weight(data)
        weights = None if weights is None else tf.gather(weights, rows)
        users, items = tf.gather(users, rows), tf.gather(items, rows)
        scores = self.score_catalogue(users)
        ranks = {"full": ranks_lib.rank_in_catalogue(scores, items, *self.seen.histories.pairs(users))}
        if batches.NEGATIVES in data:
            sampled = tf.gather(data[batches.NEGATIVES], rows)
            ranks["sampled100"] = ranks_lib.rank_among_sampled(scores, items, sampled)
        for protocol, values in ranks.items():
            for metric in measures.ranking[protocol]:
                metric.update_ranks(values, weights)
                logs[metric.name] = metric.result()
        return logs

    def codes(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Returns the query and candidate codes of a batch, int32, `(batch,)` each; -1 for unknown ids.

        Args:
            batch: A dictionary of raw ids or of codes, see `compute_loss`.
        """
        windows = batches.Windows.of(batch)
        if windows is not None:
            return windows.codes()
        queries, candidates = batches.columns(batch)
        if batches.QUERY_CODE in batch:
            return tf.cast(queries, tf.int32), tf.cast(candidates, tf.int32)
        return self.query_lookup(queries), self.candidate_lookup(candidates)

    def seen_in(self, batch: Any) -> SeenItems | batches.CarriedItems:
        """Returns what is known of the users of a batch, with a method `contains`: what its rows carry, or the histories."""
        return batches.CarriedItems.of(batch) or self.seen

    def weights_of(self, batch: Any, users: Tensor, items: Tensor) -> Tensor:
        """Returns the weight of each row of a batch, float32, `(batch,)`: its `"sample_weight"`, 1 without; 0 for unknown ids.

        Args:
            batch: A dictionary, see `compute_loss`.
            users: The codes of its users.
            items: The codes of its items.
        """
        known = tf.cast((users >= 0) & (items >= 0), tf.float32)
        weight = batches.sample_weight(batch)
        return known if weight is None else known * weight

    def _track(self, total: Tensor, data: Any, tracker: Any) -> dict[str, Tensor]:
        weights = batches.sample_weight(data)
        # A row of weight 2 counts as two.
        rows = tf.cast(tf.size(self.codes(data)[0]), tf.float32) if weights is None else tf.reduce_sum(weights)
        tracker.update_state(tf.math.divide_no_nan(total, rows), sample_weight=rows)
        return {"loss": tracker.result()}

    @property
    def metrics(self) -> list[Any]:
        # Parameter servers hold those of training only: the coordinator validates with metrics of its own.
        validated = [] if has_workers(self.distribute_strategy) else self._measures.all
        return [self._loss_tracker, *validated]

    def _seed(self, batch: Any, training: bool) -> Tensor:
        """A stateless seed, unique to the training batch; evaluation always uses the same one.

        Replicas share it if their rows know their places in the batch, on which draws then depend.
        """
        if not training:
            return tf.constant([self.seed, -1], tf.int64)
        if batches.Places.of(batch) is not None:
            return tf.stack([tf.constant(self.seed, tf.int64), tf.cast(self.batches, tf.int64)])
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else tf.cast(context.replica_id_in_sync_group, tf.int64)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.stack([tf.constant(self.seed, tf.int64), self.batches * replicas + replica])
