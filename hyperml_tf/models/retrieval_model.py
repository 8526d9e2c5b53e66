"""What every retrieval model of the package does: fit, validate, recommend and rank, over two towers of points."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from hyperml_tf import search
from hyperml_tf.data import Interactions
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.layers import Curvature
from hyperml_tf.metrics import NDCG, HitRate
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.metrics.ranking import Scorer
from hyperml_tf.models import answers, feed
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.seen_items import SeenItems
from hyperml_tf.models.tower import Tower
from hyperml_tf.numerics import Tensor


class RetrievalModel(tfrs.Model):
    """Base class of models whose queries and candidates are points of one ball. A subclass says in `compute_loss` what to learn.

    Args:
        query_tower: raw ids of users to points.
        candidate_tower: raw ids of the catalogue to points of the same dimension.
        curvature: the curvature both towers have.
        seed: seed of everything random in training.
        **kwargs: `name`, as for every Keras model.
    """

    def __init__(
        self, query_tower: Tower, candidate_tower: Tower, curvature: Curvature, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.query_tower, self.candidate_tower = query_tower, candidate_tower
        self.curvature = curvature
        self.seed = int(seed)
        self.seen = SeenItems(name="seen")
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
        self.train_function = self.test_function = None

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
        c = self.curvature()
        # The whole catalogue is lifted for every batch of the validation sample, of which there are few.
        candidates = lorentz.lift(self.candidate_tower.points(tf.range(len(self.candidate_tower))), c)
        scores = search.similarity(self.query_tower.points(users), candidates, c)
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

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """The distances of pairs, `{"user_id": (batch,), "item_id": (batch,)}` -> `(batch,)`; unknown ids lie at the origin."""
        users, items = feed.codes(self, inputs)
        return poincare.distance(
            self.query_tower.points_or_origin(users), self.candidate_tower.points_or_origin(items), self.curvature()
        )

    def recommend(self, users: Any, k: int = 10, exclude_seen: bool = True) -> Neighbours:
        """The `k` nearest candidates of each user.

        Args:
            users: raw ids, `(batch,)`. An unknown user gets the neighbours of the origin, which are the popular, general items.
            k: how many, at least 1; clamped to the catalogue.
            exclude_seen: whether to leave out what the user has interacted with.

        Returns:
            `Neighbours`: ids `(batch, k)` and hyperbolic distances `(batch, k)`, ascending.
        """
        return answers.recommend(self, users, k, exclude_seen)

    def similar_items(self, items: Any, k: int = 10) -> Neighbours:
        """The `k` candidates nearest to each of some candidates, itself left out.

        Raises:
            ValueError: if an id is unknown.
        """
        return answers.similar_items(self, items, k)

    def scorer(self) -> Scorer:
        """A function that scores the whole catalogue as it stands now: `(batch,)` user codes -> `(batch, n)` float64."""
        return answers.scorer(self)

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
