"""The retrieval model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from hyperml_tf import numerics, search
from hyperml_tf._keras import register
from hyperml_tf.data import Interactions
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.layers import Curvature
from hyperml_tf.layers.curvature import as_curvature, curvature_config
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.losses import functional
from hyperml_tf.metrics import NDCG, HitRate
from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.metrics.ranking import Scorer
from hyperml_tf.models import answers, feed, hard_negatives
from hyperml_tf.models.default_optimizer import default_optimizer
from hyperml_tf.models.id_tower import IdTower
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.network_tower import NetworkTower
from hyperml_tf.models.seen_items import SeenItems
from hyperml_tf.models.tower import Tower
from hyperml_tf.numerics import Tensor

Features = Mapping[str, Any]

_MARGINS = {"tangent": 16.0, "direct": 8.0}


@register
class HyperML(tfrs.Model):
    """Hyperbolic metric learning for retrieval: users and items are points, and an item is recommended because it is near.

    A `tfrs.Model` with a query and a candidate tower over raw ids. Training minimises, over positives `(i, j)` and the hardest
    candidates `k` of a few sampled ones,

        sum [margin + d(i, j)^2 - d(i, k)^2]_+  +  distortion_weight * sum |d - d_E| / d_E

    Source: L. V. Tran et al., *HyperML* (WSDM 2020), arXiv 1809.01703. The hardest of several negatives is what makes it strong
    on sparse data; the paper draws one. Losses are sums over positives, so that the step of a row does not depend on the
    batch it is in; the `loss` that `fit` shows is the mean a positive. Under `tf.distribute` the update is that of one
    replica with the whole batch.

    Args:
        query_ids: the known users (queries), distinct strings or integers.
        candidate_ids: the catalogue, distinct strings or integers.
        dim: dimension of the space.
        curvature: the curvature `c >= 0`, a number or a `Curvature(learned=True)`. 0 is the Euclidean twin of the model.
        mode: "tangent" (Euclidean parameters, mapped by `expmap0`) or "direct" (points, moved by a Riemannian optimizer).
        margin: the margin of the hinge, in units of squared distance, > 0. None: 16 in tangent mode, 8 in direct mode, where
            larger ones drive busy users to the boundary.
        distortion_weight: weight of the distortion loss, >= 0.
        distortion_reference: "conformal" or "tangent", see `DistortionLoss`.
        negatives: candidates drawn for each group of positives; 1 is plain sampling.
        hardest: how many of them each positive is compared with: the nearest that are not its user's own. Their hinges are
            averaged.
        negatives_group: positives that share their draws. Larger is faster and correlates the negatives.
        max_tangent_norm: largest norm of a tangent vector, see `HyperbolicEmbedding`.
        embeddings_initializer, embeddings_regularizer: see `HyperbolicEmbedding`.
        query_network, candidate_network: Keras models to use in place of a free point an id, see `NetworkTower`.
        query_features, candidate_features: features of the ids for these networks, see `NetworkTower`.
        network_output: "tangent" or "ball", what these networks return.
        seed: seed of the negatives.
        **kwargs: `name`, as for every Keras model. Points are float32, also under a policy of mixed precision.

    Raises:
        ValueError: if an argument is out of its range, or features come without a network.

    Example:

    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = HyperML.from_interactions(table, dim=8)
    >>> model.compile()
    >>> history = model.fit(table, epochs=2, verbose=0)
    >>> model.recommend(["u1"], k=1).ids.tolist()
    [['c']]
    """

    def __init__(
        self,
        query_ids: Any,
        candidate_ids: Any,
        dim: int = 64,
        curvature: CurvatureArgument = 1.0,
        mode: Literal["tangent", "direct"] = "tangent",
        margin: float | None = None,
        distortion_weight: float = 0.1,
        distortion_reference: functional.Reference = "conformal",
        negatives: int = 20,
        hardest: int = 2,
        negatives_group: int = 32,
        max_tangent_norm: float | None = None,
        embeddings_initializer: InitializerLike = None,
        embeddings_regularizer: RegularizerLike = None,
        query_network: Any = None,
        candidate_network: Any = None,
        query_features: Features | None = None,
        candidate_features: Features | None = None,
        network_output: Literal["tangent", "ball"] = "tangent",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if mode not in _MARGINS:
            raise ValueError(f"`mode` must be one of {tuple(_MARGINS)}. Received: mode={mode!r}")
        margin = _MARGINS[mode] if margin is None else margin
        _check_positive(dim=dim, margin=margin, negatives=negatives, hardest=hardest, negatives_group=negatives_group)
        if not distortion_weight >= 0:
            raise ValueError(f"`distortion_weight` must be >= 0. Received: distortion_weight={distortion_weight}")
        functional.check_reference(distortion_reference)
        self.dim, self.mode, self.seed = int(dim), mode, int(seed)
        self.margin, self.distortion_weight = float(margin), float(distortion_weight)
        self.distortion_reference = distortion_reference
        self.negatives, self.negatives_group = int(negatives), int(negatives_group)
        self.hardest = min(int(hardest), self.negatives)
        self.max_tangent_norm, self.network_output = max_tangent_norm, network_output
        self.curvature: Curvature = as_curvature(curvature)
        table = {
            "embeddings_initializer": embeddings_initializer,
            "embeddings_regularizer": embeddings_regularizer,
            "max_tangent_norm": max_tangent_norm,
        }
        self.query_tower = self._tower("query", query_ids, query_network, query_features, table)
        self.candidate_tower = self._tower("candidate", candidate_ids, candidate_network, candidate_features, table)
        self.seen = SeenItems(name="seen")
        # Counts the training batches: negatives are a function of the seed and this number, so a resumed run goes on as it
        # would have. It is a weight because checkpoints must hold it.
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
    def from_interactions(cls, interactions: Interactions, **kwargs: Any) -> HyperML:
        """A model for the users and items of a table. Keyword arguments: as for `HyperML`."""
        return cls(interactions.user_ids, interactions.item_ids, **kwargs)

    def _tower(self, role: str, ids: Any, network: Any, features: Features | None, table: dict[str, Any]) -> Tower:
        name = f"{role}_tower"
        if network is None:
            if features:
                raise ValueError(
                    f"`{role}_features` need a `{role}_network` that uses them. Received: {list(features)}"
                )
            return IdTower(ids, self.dim, curvature=self.curvature, mode=self.mode, name=name, **table)
        id_name = {"query": feed.QUERY, "candidate": feed.CANDIDATE}[role]
        tower = NetworkTower(ids, network, features, id_name, self.network_output, self.curvature, name=name)
        if tower.dim != self.dim:
            raise ValueError(f"`{role}_network` must return vectors of `dim` {self.dim}. Received: {tower.dim}")
        return tower

    # ------------------------------------------------------------------------------------------------ training

    def compile(self, optimizer: Any = None, **kwargs: Any) -> None:
        """Configures training.

        Args:
            optimizer: `default_optimizer` of the mode unless given, which was chosen for a free point an id. For networks as towers
                give one with smaller steps, such as `RiemannianAdagrad(0.03)`: losses are sums over the batch.
            **kwargs: as in Keras.
        """
        if optimizer is None:
            optimizer = default_optimizer(self.mode, self.dim)
        super().compile(optimizer=optimizer, **kwargs)

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

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        """The loss of a batch of positives: a sum over them, see the class docstring.

        Args:
            inputs: a dictionary with raw ids under `"user_id"` and `"item_id"`, or codes under `"user"` and `"item"`, each
                `(batch,)`. Rows with an unknown id weigh nothing.
            training: whether the negatives advance.

        Returns:
            A scalar, float32.
        """
        users, items = feed.codes(self, inputs)
        c = self.curvature()
        drawn = hard_negatives.draw(
            tf.shape(users)[0], len(self.candidate_tower), self.negatives, self.negatives_group, self._seed(training)
        )
        query = self.query_tower.points_or_origin(users, training)
        # In one call, because of a layer that is called twice Keras keeps the regularization of the second call only.
        candidates = tf.concat([items, tf.reshape(drawn.codes, [-1])], axis=0)
        positive, pool = tf.split(
            self.candidate_tower.points_or_origin(candidates, training), [tf.size(items), tf.size(drawn.codes)]
        )
        pool = tf.reshape(pool, [-1, self.negatives, self.dim])
        chosen, found = hard_negatives.hardest(drawn, query, users, pool, c, self.seen, self.hardest)
        negative = tf.gather(tf.reshape(pool, [-1, self.dim]), chosen)
        positive_sq = poincare.squared_distance(query, positive, c)
        negative_sq = poincare.squared_distance(query[:, tf.newaxis], negative, c)
        known = tf.cast((users >= 0) & (items >= 0), tf.float32)
        weight = known[:, tf.newaxis] * tf.cast(found, tf.float32) / self.hardest
        hinge = functional.pull_push(positive_sq[:, tf.newaxis], negative_sq, self.margin)
        loss = tf.reduce_sum(weight * hinge)
        if self.distortion_weight > 0:
            loss += self.distortion_weight * (
                tf.reduce_sum(known * self._distortion(query, positive, positive_sq, c))
                + tf.reduce_sum(weight * self._distortion(query[:, tf.newaxis], negative, negative_sq, c))
            )
        return loss

    def _distortion(self, x: Tensor, y: Tensor, squared: Tensor, c: Tensor) -> Tensor:
        tangent = numerics.safe_norm(poincare.logmap0(x, c) - poincare.logmap0(y, c), keepdims=False)
        return functional.distortion(
            numerics.safe_sqrt(squared), functional.euclidean_reference(tangent, self.distortion_reference)
        )

    def _seed(self, training: bool) -> Tensor:
        """Two integers that no other training batch of this run has; evaluation always uses the same ones."""
        if not training:
            return tf.constant([self.seed, -1], tf.int64)
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else tf.cast(context.replica_id_in_sync_group, tf.int64)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.stack([tf.constant(self.seed, tf.int64), self.batches * replicas + replica])

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

    # ------------------------------------------------------------------------------------------------ answers

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

    # ------------------------------------------------------------------------------------------------ saving

    def get_config(self) -> dict[str, Any]:
        config = {
            "name": self.name,
            "query_ids": self.query_tower.ids.tolist(),
            "candidate_ids": self.candidate_tower.ids.tolist(),
            "dim": self.dim,
            "curvature": curvature_config(self.curvature),
            "mode": self.mode,
            "margin": self.margin,
            "distortion_weight": self.distortion_weight,
            "distortion_reference": self.distortion_reference,
            "negatives": self.negatives,
            "hardest": self.hardest,
            "negatives_group": self.negatives_group,
            "max_tangent_norm": self.max_tangent_norm,
            "network_output": self.network_output,
            "seed": self.seed,
        }
        for role, tower in (("query", self.query_tower), ("candidate", self.candidate_tower)):
            own = tower.get_config()
            if isinstance(tower, NetworkTower):
                config |= {f"{role}_network": own["network"], f"{role}_features": own["features"]}
            else:
                config |= {key: own[key] for key in ("embeddings_initializer", "embeddings_regularizer")}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> HyperML:
        return cls(**config)


def _check_positive(**values: Any) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
