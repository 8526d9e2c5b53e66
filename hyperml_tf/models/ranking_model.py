"""What every model that scores a catalogue does: fit, validate, recommend by score, and rank exactly."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from hyperml_tf.data import Interactions
from hyperml_tf.metrics import NDCG, HitRate
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.metrics.ranking import Scorer
from hyperml_tf.models import answers
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.recommendations import Recommendations
from hyperml_tf.models.towers.id_lookup import IdLookup
from hyperml_tf.models.towers.seen_items import SeenItems
from hyperml_tf.models.training import feed
from hyperml_tf.numerics import Tensor

_Model = TypeVar("_Model", bound="RankingModel")


class RankingModel(tfrs.Model):
    """Base class of models that rank candidates for queries, in whatever way they score them.

    A subclass holds the vocabularies (`query_lookup`, `candidate_lookup`), says in `compute_loss` what to learn and in
    `score_catalogue` how candidates are scored. Feeding, validation and metrics are the same for all.

    Args:
        seed: seed of everything random in training.
        seen: what the queries have seen, if a part of the model reads it too.
        **kwargs: `name`, as for every Keras model.
    """

    def __init__(self, seed: int = 0, seen: SeenItems | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = int(seed)
        self.seen = SeenItems(name="seen") if seen is None else seen
        # Counts the training batches: what is drawn at random is a function of the seed and this number, so a resumed run goes
        # on as it would have. It is a weight because checkpoints must hold it.
        self.batches = self.add_weight(
            name="batches",
            shape=(),
            dtype=tf.int64,
            trainable=False,
            initializer="zeros",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self._loss_tracker = tf.keras.metrics.Mean(name="loss")
        self._ranking = {
            protocol: [HitRate(10, name=f"{protocol}_hr@10"), NDCG(10, name=f"{protocol}_ndcg@10")]
            for protocol in ("full", "sampled100")
        }
        # All variables exist: nothing waits for the shape of an input.
        self.built = True

    @classmethod
    def from_interactions(cls: type[_Model], interactions: Interactions, **kwargs: Any) -> _Model:
        """A model for the users and items of a table. Keyword arguments: as for the class."""
        return cls(query_ids=interactions.user_ids, candidate_ids=interactions.item_ids, **kwargs)

    @classmethod
    def from_config(cls: type[_Model], config: dict[str, Any], custom_objects: Any = None) -> _Model:
        return cls(**config)

    @property
    def query_lookup(self) -> IdLookup:
        """Raw ids of users to codes."""
        raise NotImplementedError("A model says what users it knows.")

    @property
    def candidate_lookup(self) -> IdLookup:
        """Raw ids of the catalogue to codes."""
        raise NotImplementedError("A model says what its catalogue is.")

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        """The loss of a batch of positives, a float32 scalar: a sum over them.

        Args:
            inputs: a dictionary with raw ids under `"user_id"` and `"item_id"`, or codes under `"user"` and `"item"`, each
                `(batch,)`. Rows with an unknown id weigh nothing.
            training: whether the negatives advance.
        """
        raise NotImplementedError("A model says what it learns.")

    def score_catalogue(self, users: Tensor) -> Tensor:
        """Scores of every candidate, higher is better; also inside a `tf.function`.

        Args:
            users: codes of users, `(batch,)` int32; -1 for an unknown one.

        Returns:
            Scores, `(batch, n)`, in the order of the catalogue.
        """
        raise NotImplementedError("A model says how it scores.")

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras leaves models with a `compile` of their own uncompiled on loading, and drops the optimizer's state.
        self.compile(**tf.keras.utils.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

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
        **kwargs: Any,
    ) -> Any:
        """Trains, as `tf.keras.Model.fit`.

        Args:
            x: an `Interactions` (the fast way: shuffled batches of codes), or a batched `tf.data.Dataset` of dictionaries with
                raw ids under `"user_id"` and `"item_id"`. An `Interactions` replaces what the model has seen; a dataset is read
                for it first, unless the model has seen something already (see `set_seen`).
            y: not used: positives are the targets.
            batch_size: positives a step, with `Interactions`; 2048 unless given.
            validation_data: an `Interactions` of one held-out row a user, of which a fixed sample of users is evaluated each
                time, or a batched dataset like `x`. Logs `val_full_hr@10` and `val_full_ndcg@10`, and with `Interactions`
                also `val_sampled100_hr@10` and `val_sampled100_ndcg@10`.
            epochs, verbose, callbacks and others: as in Keras.

        Raises:
            ValueError: if `y` or `validation_split` is given.
        """
        if y is not None or validation_split:
            raise ValueError(
                "`fit` takes no `y` and no `validation_split`: interactions are the targets, and `validation_data` are "
                "held-out ones, see `hyperml_tf.data.leave_one_out`."
            )
        training = feed.training_data(self, x, batch_size, self.seed)
        validation = feed.validation_data(self, validation_data)
        return super().fit(
            training,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation,
            # Keras holds the batch size to be a property of the dataset.
            **kwargs,
        )

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, **kwargs: Any) -> Any:
        """Metrics on held-out rows as `fit` shows them, as `tf.keras.Model.evaluate`. Exact reports: `evaluate_ranking`."""
        return super().evaluate(feed.validation_data(self, x), y, **kwargs)

    def set_seen(self, interactions: Interactions) -> None:
        """Tells the model what each user has interacted with: never a negative for them, and never recommended again.

        Args:
            interactions: a table whose ids the model knows; rows with others are ignored.
        """
        self.seen.set_interactions(feed.recode(self, interactions))
        # Traced functions hold the old table.
        self.train_function = self.test_function = self.predict_function = None

    def train_step(self, data: Any) -> dict[str, Tensor]:
        with tf.GradientTape() as tape:
            loss = self.compute_loss(data, training=True)
            extra = tf.add_n([tf.cast(tf.reduce_sum(value), tf.float32) for value in self.losses] or [0.0])
            # Replicas add their gradients up. That is right for a sum over positives, of which each replica has its share.
            scaled = loss + extra / tf.distribute.get_strategy().num_replicas_in_sync
            if hasattr(self.optimizer, "get_scaled_loss"):
                scaled = self.optimizer.get_scaled_loss(scaled)
        gradients = tape.gradient(scaled, self.trainable_variables)
        if hasattr(self.optimizer, "get_unscaled_gradients"):
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        # After the batch has arrived, because the first of an epoch is drawn by this number.
        with tf.control_dependencies([loss]):
            self.batches.assign_add(1)
        return self._track(loss + extra, data)

    def test_step(self, data: Any) -> dict[str, Tensor]:
        logs = self._track(self.compute_loss(data), data)
        users, items = feed.codes(self, data)
        rows = tf.squeeze(tf.where((users >= 0) & (items >= 0)), -1)
        users, items = tf.gather(users, rows), tf.gather(items, rows)
        scores = self.score_catalogue(users)
        ranks = {"full": ranks_lib.rank_in_catalogue(scores, items, *self.seen.pairs_of(users))}
        if feed.NEGATIVES in data:
            others = tf.gather(scores, tf.gather(data[feed.NEGATIVES], rows), batch_dims=1)
            ranks["sampled100"] = ranks_lib.rank_among(tf.gather(scores, items, batch_dims=1), others)
        for protocol, values in ranks.items():
            for metric in self._ranking[protocol]:
                metric.update_ranks(values)
                logs[metric.name] = metric.result()
        return logs

    def _track(self, total: Tensor, data: Any) -> dict[str, Tensor]:
        rows = tf.cast(tf.shape(feed.codes_or_ids(data)[0])[0], tf.float32)
        self._loss_tracker.update_state(total / tf.maximum(rows, 1.0), sample_weight=rows)
        return {"loss": self._loss_tracker.result()}

    @property
    def metrics(self) -> list[Any]:
        return [self._loss_tracker, *self._ranking["full"], *self._ranking["sampled100"]]

    def _seed(self, training: bool) -> Tensor:
        """Two integers that no other training batch of this run has; evaluation always uses the same ones."""
        if not training:
            return tf.constant([self.seed, -1], tf.int64)
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else tf.cast(context.replica_id_in_sync_group, tf.int64)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.stack([tf.constant(self.seed, tf.int64), self.batches * replicas + replica])

    def recommend(self, users: Any, k: int = 10, exclude_seen: bool = True) -> Recommendations | Neighbours:
        """The `k` best candidates of each user.

        Args:
            users: raw ids, `(batch,)`; unknown ones are allowed.
            k: how many, at least 1; clamped to the catalogue.
            exclude_seen: whether to leave out what the user has interacted with.

        Returns:
            `Recommendations`: ids and scores `(batch, k)`, best first; equal scores in the order of the catalogue. Models whose
            score is a distance return `Neighbours`: ids and distances.
        """
        return answers.recommend_by_score(self, users, k, exclude_seen)

    def scorer(self) -> Scorer:
        """A function that scores the whole catalogue: `(batch,)` user codes -> `(batch, n)`, as `score_catalogue`."""
        return lambda users: self.score_catalogue(tf.convert_to_tensor(users, tf.int32))

    def evaluate_ranking(
        self,
        held_out: Interactions,
        seen: Interactions | None = None,
        negatives: np.ndarray | None = None,
        ks: tuple[int, ...] = (10,),
    ) -> dict[str, float]:
        """Exact metrics of held-out rows, one a user, under both protocols; see `hyperml_tf.metrics.ranking_report`.

        Args:
            held_out: one row a user; rows of ids that the model does not know are left out.
            seen: rows that do not compete; what the model has seen unless given. For a test after validation give both.
            negatives: `(users, m)` codes of items, as from `hyperml_tf.data.sampled_negatives`, for the sampled protocol. With
                them `held_out` must have the vocabularies of the model.
            ks: cut-offs.

        Returns:
            `full_hr@k`, `full_ndcg@k` and with negatives `sampled<m>_hr@k`, `sampled<m>_ndcg@k`.

        Raises:
            ValueError: if no row is left, or `negatives` come with other vocabularies.
        """
        return answers.evaluate_ranking(self, held_out, seen, negatives, ks)
