"""What every model that scores a catalogue does: fit, validate, recommend by score, and rank exactly."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, TypeVar

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from hyperml_tf.data import Interactions, training_dataset
from hyperml_tf.metrics import NDCG, HitRate, ranking_report
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.metrics.protocols import Scorer
from hyperml_tf.models import batches
from hyperml_tf.models.default_optimizer import undamped_adagrad
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.results import Neighbours, Recommendations
from hyperml_tf.tables import IdLookup, SeenItems
from hyperml_tf.tables.ids import id_array

logger = logging.getLogger(__name__)

_Model = TypeVar("_Model", bound="Recommender")

# Scores computed at once: 256 MiB of float32.
_SCORES = 2**26


class Recommender(tfrs.Model):
    """Base class of models that rank candidates for queries, in whatever way they score them.

    A subclass says in `compute_loss` what to learn and in `score_catalogue` how candidates are scored. Feeding, validation and
    metrics are the same for all.

    What the queries have seen is part of the model's state (`seen`): `fit` adds to it, checkpoints of every format hold it.

    Args:
        query_lookup: raw ids of users to codes.
        candidate_lookup: raw ids of the catalogue to codes.
        seed: seed of everything random in training.
        seen: what the queries have seen, if a part of the model reads it too.
        **kwargs: `name`, as for every Keras model.
    """

    LEARNING_RATE: ClassVar[float] = 0.3
    """The default of `default_optimizer`."""
    ACCUMULATOR: ClassVar[float] = 0.1
    """What the squared gradients of a coordinate have to add up to before its steps become smaller."""

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
        self.seed = int(seed)
        self.seen = SeenItems(len(query_lookup), len(candidate_lookup), name="seen") if seen is None else seen
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
        self._traced_version: int | None = None
        # All variables exist: nothing waits for the shape of an input.
        self.built = True

    @classmethod
    def from_interactions(cls: type[_Model], interactions: Interactions, **kwargs: Any) -> _Model:
        """A model for the users and items of a table. Keyword arguments: as for the class."""
        return cls(query_ids=interactions.user_ids, candidate_ids=interactions.item_ids, **kwargs)

    @classmethod
    def from_config(cls: type[_Model], config: dict[str, Any], custom_objects: Any = None) -> _Model:
        return cls(**config)

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

    def default_optimizer(self, learning_rate: float | None = None, decay_steps: int | None = None) -> Any:
        """The optimizer of `compile()`: Adagrad that starts like SGD, and touches the rows of the batch only.

        Args:
            learning_rate: the initial rate of a row that is seen rarely, which moves by this times its gradient; the class's
                `LEARNING_RATE` if None. The best one differs from table to table: try some.
            decay_steps: the number of steps over which the learning rate falls linearly to 0; constant if None.
        """
        rate = self.LEARNING_RATE if learning_rate is None else learning_rate
        return undamped_adagrad(rate, self.ACCUMULATOR, decay_steps)

    def compile(self, optimizer: Any = None, **kwargs: Any) -> None:
        """Configures training.

        Args:
            optimizer: `default_optimizer()` unless given; another learning rate: `compile(model.default_optimizer(0.1))`.
            **kwargs: as in Keras.
        """
        super().compile(optimizer=self.default_optimizer() if optimizer is None else optimizer, **kwargs)

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
        *,
        replace_seen: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Trains, as `tf.keras.Model.fit`.

        The rows are added to what the model has seen, after what it has seen before: a model that is loaded and trained on the
        interactions of a day knows all earlier ones too.

        Args:
            x: an `Interactions` (the fast way: shuffled batches of codes), or a batched `tf.data.Dataset` of dictionaries with
                raw ids under `"user_id"` and `"item_id"`. A dataset is read once for what users have seen, unless the model has
                seen something already (see `add_seen`).
            y: not used: positives are the targets.
            batch_size: positives per step, with `Interactions`; 2048 unless given.
            validation_data: an `Interactions` with one held-out row per user, of which a fixed sample of users is evaluated each
                time, or a batched dataset like `x`. Logs `val_full_hr@10` and `val_full_ndcg@10`, and with `Interactions`
                also `val_sampled100_hr@10` and `val_sampled100_ndcg@10`.
            replace_seen: whether the rows of an `Interactions` replace what the model has seen instead of adding to it.
            epochs, verbose, callbacks and others: as in Keras.

        Raises:
            ValueError: if `y` or `validation_split` is given.
        """
        if y is not None or validation_split:
            raise ValueError(
                "`fit` takes no `y` and no `validation_split`: interactions are the targets, and `validation_data` are "
                "held-out ones, see `hyperml_tf.data.leave_one_out`."
            )
        return super().fit(
            self._training_data(x, batch_size, replace_seen),
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=self.validation_dataset(validation_data),
            # Keras holds the batch size to be a property of the dataset.
            **kwargs,
        )

    def _training_data(self, x: Any, batch_size: int | None, replace_seen: bool) -> tf.data.Dataset:
        """What Keras iterates over in `fit`."""
        if isinstance(x, Interactions):
            rows = self._recode(x, "x")
            if replace_seen:
                self.seen.set_interactions(rows)
            else:
                self.seen.add_interactions(rows)
            # The permutation of an epoch follows from the batches before it, so a resumed run goes on as it would have.
            return training_dataset(
                rows, batch_size or batches.BATCH_SIZE, seed=self.seed, progress=self.batches.read_value
            )
        batches.check_dataset(x, "x", batch_size)
        if not len(self.seen):
            if x.cardinality() == tf.data.INFINITE_CARDINALITY:
                raise ValueError(
                    "`x` is an infinite dataset, so what each user has seen cannot be read from it, and a user's own items "
                    "would be drawn as negatives. Call `set_seen` with the interactions first."
                )
            self.set_seen(Interactions.from_dataset(x, batches.QUERY, batches.CANDIDATE))
        return x

    def validation_dataset(self, data: Any) -> tf.data.Dataset | None:
        """What Keras iterates over to validate."""
        if data is None:
            return None
        if isinstance(data, Interactions):
            held_out = self._recode(data, "validation_data")
            return batches.validation_dataset(held_out, self.seen.users, self.seen.items)
        batches.check_dataset(data, "validation_data")
        return data

    def _recode(self, interactions: Interactions, name: str) -> Interactions:
        """The rows in the codes of the model; those of unknown ids are left out, with a warning."""
        rows = interactions.recode(self.query_lookup.ids, self.candidate_lookup.ids)
        if len(rows) < len(interactions):
            logger.warning(
                "Left out %d of %d rows of `%s`: the model does not know their user or item.",
                len(interactions) - len(rows),
                len(interactions),
                name,
            )
        return rows

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, **kwargs: Any) -> Any:
        """Metrics on held-out rows as `fit` shows them, as `tf.keras.Model.evaluate`. Exact reports: `evaluate_ranking`."""
        self.check_history()
        return super().evaluate(self.validation_dataset(x), y, **kwargs)

    def set_seen(self, interactions: Interactions) -> None:
        """Tells the model what each user has interacted with, in place of what it knows.

        It is never a negative for them in training, and never recommended again; users who are placed by their history move.

        Args:
            interactions: the rows, each user's from the oldest to the newest. Rows of ids that the model does not know are left
                out, with a warning.
        """
        self.seen.set_interactions(self._recode(interactions, "interactions"))

    def add_seen(self, interactions: Interactions) -> None:
        """As `set_seen`, besides what the model knows: the rows are newer than those, and known pairs stay where they are."""
        self.seen.add_interactions(self._recode(interactions, "interactions"))

    def check_history(self) -> None:
        """Raises a `ValueError` if users are placed by what they have seen, and nobody has seen anything."""

    def make_train_function(self, force: bool = False) -> Any:
        # The graph of a training step holds the hash table of seen pairs: when these have changed it is traced anew.
        changed, self._traced_version = self.seen.version != self._traced_version, self.seen.version
        return super().make_train_function(force or changed)

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
        users, items = self.codes(data)
        rows = tf.squeeze(tf.where((users >= 0) & (items >= 0)), -1)
        users, items = tf.gather(users, rows), tf.gather(items, rows)
        scores = self.score_catalogue(users)
        ranks = {"full": ranks_lib.rank_in_catalogue(scores, items, *self.seen.histories.pairs(users))}
        if batches.NEGATIVES in data:
            others = tf.gather(scores, tf.gather(data[batches.NEGATIVES], rows), batch_dims=1)
            ranks["sampled100"] = ranks_lib.rank_among(tf.gather(scores, items, batch_dims=1), others)
        for protocol, values in ranks.items():
            for metric in self._ranking[protocol]:
                metric.update_ranks(values)
                logs[metric.name] = metric.result()
        return logs

    def codes(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Query and candidate codes of a batch, `(batch,)` int32 each, -1 where unknown. Batches: see `compute_loss`."""
        queries, candidates = batches.columns(batch)
        if batches.QUERY_CODE in batch:
            return tf.cast(queries, tf.int32), tf.cast(candidates, tf.int32)
        return self.query_lookup(queries), self.candidate_lookup(candidates)

    def _track(self, total: Tensor, data: Any) -> dict[str, Tensor]:
        rows = tf.cast(tf.shape(batches.columns(data)[0])[0], tf.float32)
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

        Raises:
            ValueError: if `k` is below 1, or users are placed by what they have seen and nobody has seen anything.
        """
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        self.check_history()
        codes = self.query_lookup(id_array(users, "users")).numpy()
        n = len(self.candidate_lookup)
        block = max(1, _SCORES // n)
        found = []
        for rows in np.array_split(codes, range(block, len(codes), block)):
            scores = np.array(self.score_catalogue(tf.constant(rows)), np.float32)
            if exclude_seen:
                positions, seen = self.seen.histories.pairs(tf.constant(rows))
                scores[positions.numpy(), seen.numpy()] = -np.inf
            found.append(tf.math.top_k(scores, min(k, n)))
        best = np.concatenate([result.values.numpy() for result in found])
        indices = np.concatenate([result.indices.numpy() for result in found])
        ids = self.candidate_lookup.raw_array(np.where(np.isneginf(best), -1, indices))
        return Recommendations(ids, best)

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
        """Exact metrics of held-out rows, one per user, under both protocols; see `hyperml_tf.metrics.ranking_report`.

        Args:
            held_out: one row per user; rows of ids that the model does not know are left out.
            seen: rows that do not compete; what the model has seen unless given. For a test after validation give both.
            negatives: `(users, m)` codes of items, as from `hyperml_tf.data.sampled_negatives`, for the sampled protocol. With
                them `held_out` must have the vocabularies of the model.
            ks: cut-offs.

        Returns:
            `full_hr@k`, `full_ndcg@k` and with negatives `sampled<m>_hr@k`, `sampled<m>_ndcg@k`.

        Raises:
            ValueError: if no row is left, `negatives` come with other vocabularies, or users are placed by what they have seen
                and nobody has seen anything.
        """
        self.check_history()
        rows = self._recode(held_out, "held_out")
        if negatives is not None and rows is not held_out:
            raise ValueError(
                "`held_out` must have the vocabularies of the model when `negatives` are given, because these are codes: take "
                f"both from a split of the table that the model was made for. Received: {held_out}"
            )
        excluded = (self.seen.indptr, self.seen.items) if seen is None else self._recode(seen, "seen").csr()
        # Few large batches of a small catalogue, because operations cost by themselves; few users at once of a large one.
        batch_size = max(16, min(4096, _SCORES // (4 * len(self.candidate_lookup))))
        return ranking_report(self.scorer(), rows.users, rows.items, excluded, negatives, ks, batch_size)
