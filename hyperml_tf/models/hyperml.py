"""HyperML: hyperbolic metric learning for recommendation."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any, ClassVar, Literal, TypeVar

import tensorflow as tf

from hyperml_tf._argument_checks import check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.data import Interactions
from hyperml_tf.geometry.poincare.measured import measure
from hyperml_tf.geometry.poincare.pairs import Pairs
from hyperml_tf.layers import Curvature
from hyperml_tf.layers.curvature import as_curvature, curvature_config
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.losses import functional
from hyperml_tf.models.batches import Places, Windows
from hyperml_tf.models.checked_gradients import check_gradients
from hyperml_tf.models.default_optimizer import adam, undamped_adagrad
from hyperml_tf.models.extension import extended
from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.models.objective import objective, softmax_objective
from hyperml_tf.models.towers.make_towers import Features, Side, make_towers
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam
from hyperml_tf.preparation import TrainingRows
from hyperml_tf.sampling import draw, hardest
from hyperml_tf.settings import ModelSettings, TableFacts, defaults, resolve
from hyperml_tf.settings.encoding import EncodingArgument, as_encoding
from hyperml_tf.settings.history import AskedHistory, HistoryArgument
from hyperml_tf.settings.resolution import chosen, history_of
from hyperml_tf.tables.id_list import vocabulary

DEFAULT = ModelSettings()

_Model = TypeVar("_Model", bound="HyperML")

# Initial accumulators of Adagrad, and a factor on the learning rate. Adagrad has an accumulator per coordinate of a tangent
# vector, but one per point of the ball; with these factors the same learning rate suits both modes, and every dimension.
_ACCUMULATORS = {"tangent": 6400.0, "direct": 400.0}
_RATE_FACTORS = {"tangent": 1.0, "direct": 1.5}
# The factor of squared distances in the softmax loss, before training.
_SHARPNESS = 0.5


@names_arguments
@register
class HyperML(MetricRecommender):
    """Hyperbolic metric learning: users and items are points of the Poincaré ball, and the nearest items are recommended.

    A `tfrs.Model` with a query and a candidate tower over raw ids. For positives `(i, j)` and hard negatives `k`, training
    minimises

        sum [margin + d(i, j)^2 - d(i, k)^2]_+  +  distortion_weight * sum |d - d_E| / d_E

    where `d` is the distance in the ball and `d_E` the Euclidean distance of the same pair. Negatives are the hardest of several
    sampled candidates, which matters most on sparse data; the paper samples one. Losses are summed over positives, so that the
    update of a row does not depend on the batch size; the `loss` that `fit` reports is the mean per positive. Under
    `tf.distribute` the update is the same as on one replica with the whole batch.

    At curvature 0 the space is Euclidean, with the distance `2 |x - y|`, and points are not confined to a ball. Far from the
    origin, points stay within the limit radius of the ball; see `hyperml_tf.geometry.poincare`.

    Arguments that default to `None` are derived from the others and, in `from_interactions`, from the table, see
    `hyperml_tf.settings.resolve`. `settings` and `get_config` hold the resulting values. The vocabularies and the interaction
    histories are state, not configuration: they are saved with the model, but `get_config` only has their sizes.

    Args:
        query_ids: The known users (queries), distinct strings or integers; or their number if the ids are loaded later, as by
            `from_config`.
        candidate_ids: The catalogue, likewise.
        dim: Integer >= 1. Dimension of the space. Defaults to `64`.
        curvature: Optional float >= 0, or a `Curvature(learned=True)`. The curvature of the ball; 0 is the Euclidean twin of the
            model. Defaults to 1, or 0.3 on dense tables.
        mode: String, "tangent" or "direct". Whether to train tangent vectors, which `expmap0` maps to the ball, or the points
            themselves, by a Riemannian optimizer. Defaults to `"tangent"`.
        margin: Optional float > 0. The margin of the hinge, in units of squared distance. In direct mode, larger
            ones drive active users to the boundary. Defaults to 16 in tangent mode, 8 in direct mode.
        distortion_weight: Float >= 0. Weight of the distortion loss. Defaults to `0.1`.
        distortion_reference: String, "conformal" or "tangent". The Euclidean distance of the distortion loss, see
            `DistortionLoss`. Defaults to `"conformal"`.
        negatives: Optional integer >= 1. Number of candidates sampled for each group of positives; 1 is plain uniform sampling.
            Defaults to 1 % of the catalogue, at most 128 and twice `dim`, but at least 20.
        hardest: Integer >= 1. Number of hard negatives per positive: the nearest sampled candidates that the user has not
            interacted with. Their hinges are averaged. Defaults to `2`.
        shallow: Integer >= 0. If positive, each positive also has the `hardest` negatives among the first `shallow` sampled
            candidates. The hardest of many candidates train the top of the ranking, which `full_*` metrics measure; the hardest
            of a few train the rest. 0 or `None`: no second set. Defaults to `20`.
        negatives_group: Optional integer >= 1. Number of positives that share sampled candidates. Larger groups are faster, but
            their negatives are correlated. Defaults to half of `negatives`, at least 32, or 1 if `negatives` is 1.
        max_tangent_norm: Optional float > 0. Largest norm of a tangent vector, see `HyperbolicEmbedding`. Defaults to the
            limit of the ball.
        embeddings_initializer: Initializer of the embeddings, see `HyperbolicEmbedding`. Defaults to `None`, that of the layer.
        embeddings_regularizer: Regularizer of the embeddings, see `HyperbolicEmbedding`. Defaults to `None`.
        query_network: Keras model that computes the points of users, see `NetworkTower`. Defaults to `None`.
        candidate_network: Keras model that computes the points of candidates, see `NetworkTower`. Defaults to `None`, one
            embedding per id.
        query_features: Features of the users for `query_network`, see `NetworkTower`. Defaults to `None`.
        candidate_features: Features of the candidates for `candidate_network`, see `NetworkTower`. Defaults to `None`.
        network_output: String, "tangent" or "ball". Whether the networks return tangent vectors at the origin or points of the
            ball. Defaults to `"tangent"`.
        user_model: Optional string, "free", "history" or "sequence". How users are represented: by an embedding each, by their
            items (see `HistoryTower`), or by the order of the newest ones, too (see `SequenceTower`). Defaults to "history" in
            tangent mode, "free" in direct mode.
        history: Optional integer >= 0, or a `History`. How many items of a user's history a training step reads, or a `History`
            for more options: users are then represented by their items, see `HistoryTower`. 0: every user has an embedding
            instead. Must be 0 or `None` in direct mode and with a `query_network`. Defaults to 16 in tangent mode, 0 in direct
            mode.
        half_life: Optional float > 0 or "inf". The weight of an item in a history halves every `half_life` later items; "inf":
            all weigh the same. It overrides that of a `History`. Defaults to 3, or "inf" for a table without an order and for
            split "random".
        encoding: How the newest items are encoded by a `SequenceTower`: an `Encoding` or its arguments. Must be `None` for other
            user models. Defaults to `None`, `Encoding()`.
        loss: Optional string, "pull_push" or "softmax". The first is the objective of HyperML: hinges of squared distances with
            hard negatives. The second is the cross-entropy of each positive among all sampled candidates, where the logit of a
            candidate is its squared distance times a trained negative number; `margin`, `hardest` and `shallow` are not used.
            Both add the distortion loss. Defaults to "softmax" for sequences on dense tables, otherwise "pull_push".
        learning_rate: Optional float > 0. The initial learning rate of `default_optimizer`. Defaults to 0.05, or 0.02 on dense
            tables; 0.01 for the softmax loss.
        seed: Integer >= 0 and < 2147483648. Random seed of the negatives. Defaults to `0`.
        query_id_dtype: Optional string, "string" or "int64". Dtype of user ids that are loaded later, see `IdLookup`.
        candidate_id_dtype: Optional string, "string" or "int64". Dtype of candidate ids that are loaded later, see `IdLookup`.
        table_facts: Optional `TableFacts`, from which defaults are derived; `from_interactions` passes it. Defaults to those of a
            sparse table.
        **kwargs: Base model keyword arguments, such as `name`. Points are float32 under a mixed precision policy, too.

    Raises:
        ValueError: If an argument is out of its range, or if features are given without a network.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703)

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = HyperML.from_interactions(table, dim=8)
    >>> model.compile()
    >>> history = model.fit(table, epochs=2, verbose=0)
    >>> model.recommend(["u1"], k=1).ids.tolist()
    [['c']]
    """

    LEARNING_RATE: ClassVar[float] = defaults.SPARSE.learning_rate

    def __init__(
        self,
        query_ids: Any,
        candidate_ids: Any,
        dim: int = DEFAULT.dim,
        curvature: CurvatureArgument | None = DEFAULT.curvature,
        mode: Literal["tangent", "direct"] = DEFAULT.mode,
        margin: float | None = DEFAULT.margin,
        distortion_weight: float = DEFAULT.distortion_weight,
        distortion_reference: functional.Reference = DEFAULT.distortion_reference,
        negatives: int | None = DEFAULT.negatives,
        hardest: int = DEFAULT.hardest,
        shallow: int | None = DEFAULT.shallow,
        negatives_group: int | None = DEFAULT.negatives_group,
        max_tangent_norm: float | None = DEFAULT.max_tangent_norm,
        embeddings_initializer: InitializerLike = None,
        embeddings_regularizer: RegularizerLike = None,
        query_network: Any = None,
        candidate_network: Any = None,
        query_features: Features | None = None,
        candidate_features: Features | None = None,
        network_output: Literal["tangent", "ball"] = "tangent",
        user_model: Literal["free", "history", "sequence"] | None = DEFAULT.user_model,
        history: HistoryArgument = DEFAULT.history,
        half_life: float | Literal["inf"] | None = DEFAULT.half_life,
        encoding: EncodingArgument = None,
        loss: Literal["pull_push", "softmax"] | None = DEFAULT.loss,
        learning_rate: float | None = DEFAULT.learning_rate,
        seed: int = DEFAULT.seed,
        query_id_dtype: Literal["string", "int64"] | None = None,
        candidate_id_dtype: Literal["string", "int64"] | None = None,
        table_facts: TableFacts | None = None,
        **kwargs: Any,
    ) -> None:
        query_ids, candidate_ids = vocabulary(query_ids=query_ids), vocabulary(candidate_ids=candidate_ids)
        if table_facts is not None:
            check_instance(TableFacts, table_facts=table_facts)
        shared = as_curvature(curvature) if isinstance(curvature, (Curvature, dict)) else None
        asked = AskedHistory.of(history)
        given = ModelSettings(
            dim=dim,
            curvature=curvature if shared is None else shared.initial_value,  # type: ignore[arg-type]
            mode=mode,
            margin=margin,
            distortion_weight=distortion_weight,
            distortion_reference=distortion_reference,
            negatives=negatives,
            hardest=hardest,
            shallow=shallow,  # type: ignore[arg-type]  # None is 0
            negatives_group=negatives_group,
            max_tangent_norm=max_tangent_norm,
            user_model=user_model,
            loss=loss,
            history=asked.length,
            half_life=asked.half_life if half_life is None else half_life,  # type: ignore[arg-type]  # "inf" is a number
            learning_rate=learning_rate,
            seed=seed,
        )
        facts = table_facts or TableFacts(_count(candidate_ids))
        for name, network in {"query_network": query_network, "candidate_network": candidate_network}.items():
            if not isinstance(network, dict):  # as in a config, which `NetworkTower` reads
                check_instance(tf.keras.layers.Layer, type(None), **{name: network})
        if query_network is not None or candidate_network is not None:
            # The defaults for dense tables were tuned for models without networks.
            facts = dataclasses.replace(facts, rows_per_user=None)
        settings = resolve(given, facts, query_network is not None)
        shared = as_curvature(chosen(settings.curvature)) if shared is None else shared
        placed = history_of(settings, facts, asked.base)
        encoded = as_encoding(encoding) if settings.user_model == "sequence" else None
        if encoding is not None and encoded is None:
            raise ValueError(
                f'`encoding` must be None unless `user_model` is "sequence". Received: encoding={encoding!r}'
            )
        queries, candidates = make_towers(
            Side(query_ids, query_network, query_features, query_id_dtype),
            Side(candidate_ids, candidate_network, candidate_features, candidate_id_dtype),
            settings,
            shared,
            {"embeddings_initializer": embeddings_initializer, "embeddings_regularizer": embeddings_regularizer},
            network_output,
            placed,
            encoded,
        )
        super().__init__(queries, candidates, shared, settings.seed, queries.seen, **kwargs)
        self.settings, self.network_output, self._history = settings, network_output, placed
        self.dim, self.mode, self.margin = settings.dim, settings.mode, chosen(settings.margin)
        self.distortion_weight, self.distortion_reference = settings.distortion_weight, settings.distortion_reference
        self.negatives, self.negatives_group = chosen(settings.negatives), chosen(settings.negatives_group)
        self.hardest, self.shallow = settings.hardest, settings.shallow
        self.max_tangent_norm = settings.max_tangent_norm
        self._encoding = encoded
        self.log_sharpness: Any = None
        if settings.loss == "softmax":
            start = tf.keras.initializers.Constant(math.log(_SHARPNESS))
            self.log_sharpness = self.add_weight(name="log_sharpness", shape=(), initializer=start)

    @classmethod
    def from_interactions(cls: type[_Model], interactions: Interactions | TrainingRows, **kwargs: Any) -> _Model:
        """Creates a model for the users and items of a table, with defaults derived from the table.

        Args:
            interactions: An `Interactions`, the rows that the model will be trained on, or `PreparedTable.training`.
            **kwargs: Further arguments of the class.

        Returns:
            A new model, not trained yet.
        """
        check_instance(Interactions, TrainingRows, interactions=interactions)
        return super().from_interactions(interactions, **{"table_facts": TableFacts.of(interactions), **kwargs})

    def extended(self: _Model, users: Any = None, items: Any = None, rows: Interactions | None = None) -> _Model:
        """Returns a model that knows more users and items.

        It is this model otherwise: known ids keep their codes, points, histories and the state of the optimizer, bit by bit, so
        the answers for them are the same. This model itself is not changed. New ids of the day's rows are known to

            model = model.extended(rows=day)
            model.fit(day)

        New users have no history yet, and are at the origin or near it. New items without rows are far outside, so that they are
        recommended after all others; near the origin, where popular items are, they would be recommended to everybody. An item
        whose first rows are given starts in the mean direction of the users of these rows, at the distance of a median item.

        Args:
            users: Optional list or array of raw user ids. Those that are known, or given before, are ignored. They are of the
                type of the known ones, where 7 and "7" are the same id. Defaults to `None`, no further users.
            items: The same for items. Defaults to `None`, no further items.
            rows: Optional `Interactions`, whose users and items are added, too. The histories do not change: `fit` and `add_seen`
                extend these. Defaults to `None`.

        Returns:
            A new model of the same class, compiled if this one is.

        Raises:
            ValueError: If ids are not of the type of the known ones, or if a network computes points of the model.

        Example:

        >>> model = HyperML(["ann"], ["a", "b"], dim=4)
        >>> model.compile()
        >>> larger = model.extended(users=["bob", "ann"], items=["c"])
        >>> larger.query_tower.ids.tolist(), larger.candidate_tower.ids.tolist()
        (['ann', 'bob'], ['a', 'b', 'c'])
        """
        return extended(self, users, items, rows)

    def default_optimizer(
        self, learning_rate: float | None = None, decay_steps: int | None = None
    ) -> RiemannianAdagrad | RiemannianAdam:
        """Returns the optimizer of `compile()`: Adagrad that starts like SGD, see `Recommender.default_optimizer`.

        With the softmax loss it is Adam.

        It is made for embeddings. For towers that are networks, take smaller steps, such as those of `RiemannianAdagrad(0.03)`,
        because losses are summed over the batch.

        Args:
            learning_rate: Optional float > 0, the initial learning rate of rows that are rarely updated. Defaults to that of the
                model's settings.
            decay_steps: Optional integer, the number of steps over which the learning rate decays linearly to 0. Defaults to
                `None`, a constant learning rate.

        Returns:
            A `RiemannianAdagrad`, or a `RiemannianAdam` for the softmax loss.

        Example:

        >>> optimizer = HyperML(["ann"], ["a", "b"], dim=64).default_optimizer()
        >>> float(optimizer.learning_rate), optimizer.initial_accumulator_value
        (0.5, 100.0)
        """
        rate = chosen(self.settings.learning_rate) if learning_rate is None else learning_rate
        return self.adagrad(rate, decay_steps) if self.log_sharpness is None else adam(rate, decay_steps)

    def adagrad(self, learning_rate: float, decay_steps: int | None = None) -> RiemannianAdagrad:
        """Returns the Adagrad of `default_optimizer`, whatever the loss."""
        accumulator = _ACCUMULATORS[self.mode] / (self.dim if self.mode == "tangent" else 1)
        return undamped_adagrad(learning_rate * _RATE_FACTORS[self.mode], accumulator, decay_steps)

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        """Computes the loss of a batch of positives, summed over the batch.

        Args:
            inputs: A dictionary with raw ids under `"user_id"` and `"item_id"`, or codes under `"user"` and `"item"`, each
                `(batch,)`. Rows with an unknown id have weight 0.
            training: Boolean, whether this is a training step, which draws new negatives. Defaults to `False`.

        Returns:
            A float32 scalar.
        """
        users, items = self.codes(inputs)
        c = self.curvature()
        seed, places = self._seed(inputs, training), Places.of(inputs)
        drawn = draw(
            tf.shape(users)[0],
            len(self.candidate_tower),
            self.negatives,
            self.negatives_group,
            seed,
            Places.of_positives(inputs),
        )
        # Unknown ids have weight 0 below, so any row will do for them.
        rows = tf.maximum(users, 0), tf.maximum(items, 0)
        query = measure(self.query_tower.training_points(*rows, seed, Windows.of(inputs), places), c)
        # One call for both: if a layer is called twice, Keras keeps only the regularization loss of the second call.
        codes = tf.concat([tf.maximum(items, 0), tf.reshape(drawn.codes, [-1])], axis=0)
        candidates = measure(self.candidate_tower.points(codes, training), c)
        batch = tf.size(items)
        known = self.weights_of(inputs, users, items)[:, tf.newaxis]
        if self.log_sharpness is not None:
            distortion = self.distortion_weight, self.distortion_reference
            return softmax_objective(query, candidates, items, drawn, known, c, tf.exp(self.log_sharpness), *distortion)
        chosen, found = hardest(
            drawn, query, users, candidates.rows(batch), c, self.seen_in(inputs), self.hardest, self.shallow or None
        )
        return objective(
            # If no draws are shared and all of them are used, there is nothing to gather.
            Pairs.with_own(query, candidates, self.negatives)
            if self._has_own_negatives
            else Pairs.with_shared(query, candidates, chosen),
            known,
            known * tf.cast(found, tf.float32) / found.shape[1],
            c,
            self.margin,
            self.distortion_weight,
            self.distortion_reference,
        )

    def checked_gradients(self, gradients: list[Any]) -> list[Any]:
        networks = [tower for tower in (self.query_tower, self.candidate_tower) if isinstance(tower, NetworkTower)]
        # The geometry has finite gradients everywhere, networks need not have.
        return check_gradients(gradients, self.trainable_variables) if networks else gradients

    @property
    def _has_own_negatives(self) -> bool:
        return self.negatives_group == 1 and self.negatives <= self.hardest

    def get_config(self) -> dict[str, Any]:
        config = {
            "name": self.name,
            "query_ids": len(self.query_tower),
            "candidate_ids": len(self.candidate_tower),
            **self.settings.to_dict(),
            "curvature": curvature_config(self.curvature),
            "history": 0 if self._history is None else self._history.to_dict(),
            "encoding": None if self._encoding is None else self._encoding.to_dict(),
            "network_output": self.network_output,
        }
        for role, tower in (("query", self.query_tower), ("candidate", self.candidate_tower)):
            own = tower.get_config()
            config[f"{role}_id_dtype"] = own["id_dtype"]
            if isinstance(tower, NetworkTower):
                config |= {f"{role}_{name}": own[name] for name in ("network", "features")}
            else:
                config |= {key: own[key] for key in ("embeddings_initializer", "embeddings_regularizer")}
        return config


def _count(ids: Any) -> int:
    return int(ids) if isinstance(ids, numbers.Integral) else len(ids)
