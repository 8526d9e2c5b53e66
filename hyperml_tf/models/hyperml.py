"""HyperML: the model this package is named after."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeVar

import tensorflow as tf

from hyperml_tf._arguments import check_not_negative, check_positive
from hyperml_tf._keras import register
from hyperml_tf.data import Interactions
from hyperml_tf.geometry.poincare.measured import measure
from hyperml_tf.geometry.poincare.pairs import Pairs
from hyperml_tf.layers.curvature import as_curvature, curvature_config
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.losses import functional
from hyperml_tf.models.default_optimizer import undamped_adagrad
from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.models.objective import objective
from hyperml_tf.models.towers.history import History, HistoryArgument, as_history
from hyperml_tf.models.towers.make_towers import Features, Side, make_towers
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers import RiemannianAdagrad
from hyperml_tf.sampling import draw, hardest

_Model = TypeVar("_Model", bound="HyperML")

_MARGINS = {"tangent": 16.0, "direct": 8.0}
# The squared gradients that a row has to add up before Adagrad starts to damp it, and a factor on the learning rate. Adagrad
# keeps an accumulator per coordinate of a tangent vector and one per point of the ball; the numbers are scaled so that one
# learning rate serves both modes, and every dimension.
_ACCUMULATORS = {"tangent": 6400.0, "direct": 400.0}
_RATE_FACTORS = {"tangent": 1.0, "direct": 1.5}


@register
class HyperML(MetricRecommender):
    """Hyperbolic metric learning for retrieval: users and items are points, and an item is recommended because it is near.

    A `tfrs.Model` with a query and a candidate tower over raw ids. Training minimises, over positives `(i, j)` and the hardest
    candidates `k` of a few sampled ones,

        sum [margin + d(i, j)^2 - d(i, k)^2]_+  +  distortion_weight * sum |d - d_E| / d_E

    Source: L. V. Tran et al., *HyperML* (WSDM 2020), arXiv 1809.01703. The hardest of several negatives is what makes it strong
    on sparse data; the paper draws one. Losses are sums over positives, so that the step of a row does not depend on the
    batch it is in; the `loss` that `fit` shows is the mean a positive. Under `tf.distribute` the update is that of one
    replica with the whole batch.

    Args:
        query_ids: the known users (queries), distinct strings or integers; or their number, where the ids are loaded later, as
            in a config.
        candidate_ids: the catalogue, likewise.
        dim: dimension of the space.
        curvature: the curvature `c >= 0`, a number or a `Curvature(learned=True)`. 0 is the Euclidean twin of the model.
        mode: "tangent" (Euclidean parameters, mapped by `expmap0`) or "direct" (points, moved by a Riemannian optimizer).
        margin: the margin of the hinge, in units of squared distance, > 0. None: 16 in tangent mode, 8 in direct mode, where
            larger ones drive busy users to the boundary.
        distortion_weight: weight of the distortion loss, >= 0.
        distortion_reference: "conformal" or "tangent", see `DistortionLoss`.
        negatives: candidates drawn for each group of positives; 1 is plain sampling. None: one in a hundred of the catalogue, at
            most 128 and twice the dimension, at least 20.
        hardest: how many of them each positive is compared with: the nearest that are not its user's own. Their hinges are
            averaged.
        shallow: each positive is compared also with the `hardest` among the first so many draws, where there are more. The
            hardest of many draws order the top of a list, which `full_*` metrics measure; the hardest of few order the rest.
            None: no second comparison.
        negatives_group: positives that share their draws. Larger is faster and correlates the negatives. None: half the
            negatives, at least 32; 1 where `negatives` is 1, so that each positive has its own.
        max_tangent_norm: largest norm of a tangent vector, see `HyperbolicEmbedding`.
        embeddings_initializer, embeddings_regularizer: see `HyperbolicEmbedding`.
        query_network, candidate_network: Keras models to use in place of a free point an id, see `NetworkTower`.
        query_features, candidate_features: features of the ids for these networks, see `NetworkTower`.
        network_output: "tangent" or "ball", what these networks return.
        history: how users are placed by the items they have, a `History` or its `length`, see `HistoryTower`; 0: every user is a
            free point. None: `History()` in tangent mode, 0 in direct mode and with a `query_network`.
        seed: seed of the negatives.
        query_id_dtype, candidate_id_dtype: dtype of ids that are loaded later, see `IdLookup`.
        **kwargs: `name`, as for every Keras model. Points are float32, also under a policy of mixed precision.

    Raises:
        ValueError: if an argument is out of its range, or features come without a network.

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = HyperML.from_interactions(table, dim=8)
    >>> model.compile()
    >>> history = model.fit(table, epochs=2, verbose=0)
    >>> model.recommend(["u1"], k=1).ids.tolist()
    [['c']]
    """

    LEARNING_RATE: ClassVar[float] = 0.05

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
        negatives: int | None = None,
        hardest: int = 2,
        shallow: int | None = 20,
        negatives_group: int | None = None,
        max_tangent_norm: float | None = None,
        embeddings_initializer: InitializerLike = None,
        embeddings_regularizer: RegularizerLike = None,
        query_network: Any = None,
        candidate_network: Any = None,
        query_features: Features | None = None,
        candidate_features: Features | None = None,
        network_output: Literal["tangent", "ball"] = "tangent",
        history: HistoryArgument = None,
        seed: int = 0,
        query_id_dtype: Literal["string", "int64"] | None = None,
        candidate_id_dtype: Literal["string", "int64"] | None = None,
        **kwargs: Any,
    ) -> None:
        if mode not in _MARGINS:
            raise ValueError(f"`mode` must be one of {tuple(_MARGINS)}. Received: mode={mode!r}")
        margin = _MARGINS[mode] if margin is None else margin
        negatives = _default_negatives(_count(candidate_ids), int(dim)) if negatives is None else negatives
        negatives_group = _default_group(int(negatives)) if negatives_group is None else negatives_group
        check_positive(dim=dim, margin=margin, negatives=negatives, hardest=hardest, negatives_group=negatives_group)
        if shallow is not None:
            check_positive(shallow=shallow)
        check_not_negative(distortion_weight=distortion_weight)
        functional.check_reference(distortion_reference)
        can_have_history = mode == "tangent" and query_network is None
        placed = History() if history is None and can_have_history else as_history(history)
        if placed is not None and not can_have_history:
            raise ValueError(
                "`history` must be 0 or None in direct mode and with a `query_network`: it makes users of tangent vectors. "
                f"Received: history={history}"
            )
        shared = as_curvature(curvature)
        table = {
            "embeddings_initializer": embeddings_initializer,
            "embeddings_regularizer": embeddings_regularizer,
            "max_tangent_norm": max_tangent_norm,
        }
        queries, candidates = make_towers(
            Side(query_ids, query_network, query_features, query_id_dtype),
            Side(candidate_ids, candidate_network, candidate_features, candidate_id_dtype),
            int(dim),
            shared,
            mode,
            table,
            network_output,
            placed,
        )
        super().__init__(queries, candidates, shared, seed, queries.seen, **kwargs)
        self.dim, self.mode = int(dim), mode
        self.history_settings = placed
        self.margin, self.distortion_weight = float(margin), float(distortion_weight)
        self.distortion_reference = distortion_reference
        self.negatives, self.negatives_group = int(negatives), int(negatives_group)
        self.shallow = None if shallow is None else int(shallow)
        self.hardest = min(int(hardest), self.negatives, self.shallow or self.negatives)
        self.max_tangent_norm, self.network_output = max_tangent_norm, network_output

    @classmethod
    def from_interactions(cls: type[_Model], interactions: Interactions, **kwargs: Any) -> _Model:
        """A model for the users and items of a table. Keyword arguments: as for the class.

        Where the table has no order, nor does the default `history`.
        """
        ids_only = kwargs.get("mode", "tangent") == "tangent" and kwargs.get("query_network") is None
        if not interactions.ordered and ids_only and kwargs.get("history") is None:
            kwargs["history"] = History.unordered()
        return super().from_interactions(interactions, **kwargs)

    def default_optimizer(
        self, learning_rate: float | None = None, decay_steps: int | None = None
    ) -> RiemannianAdagrad:
        """The optimizer of `compile()`: Adagrad that starts like SGD, see `Recommender.default_optimizer`.

        It suits a free point per id. For networks as towers give one with smaller steps, such as `RiemannianAdagrad(0.03)`:
        losses are sums over the batch.

        Args:
            learning_rate: the initial rate of a row that is seen rarely; the class's `LEARNING_RATE` if None.
            decay_steps: the number of steps over which the learning rate falls linearly to 0; constant if None.

        Example:

        >>> optimizer = HyperML(["ann"], ["a", "b"], dim=64).default_optimizer()
        >>> float(optimizer.learning_rate), optimizer.initial_accumulator_value
        (0.5, 100.0)
        """
        rate = self.LEARNING_RATE if learning_rate is None else learning_rate
        accumulator = _ACCUMULATORS[self.mode] / (self.dim if self.mode == "tangent" else 1)
        return undamped_adagrad(rate * _RATE_FACTORS[self.mode], accumulator, decay_steps)

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        """The loss of a batch of positives: a sum over them, see the class docstring.

        Args:
            inputs: a dictionary with raw ids under `"user_id"` and `"item_id"`, or codes under `"user"` and `"item"`, each
                `(batch,)`. Rows with an unknown id weigh nothing.
            training: whether the negatives advance.

        Returns:
            A scalar, float32.
        """
        users, items = self.codes(inputs)
        c = self.curvature()
        seed = self._seed(training)
        drawn = draw(tf.shape(users)[0], len(self.candidate_tower), self.negatives, self.negatives_group, seed)
        # Unknown ids weigh nothing below: any row may stand for them.
        query = measure(self.query_tower.training_points(tf.maximum(users, 0), tf.maximum(items, 0), seed), c)
        # In one call, because of a layer that is called twice Keras keeps the regularization of the second call only.
        codes = tf.concat([tf.maximum(items, 0), tf.reshape(drawn.codes, [-1])], axis=0)
        candidates = measure(self.candidate_tower.points(codes, training), c)
        batch = tf.size(items)
        chosen, found = hardest(drawn, query, users, candidates.rows(batch), c, self.seen, self.hardest, self.shallow)
        known = tf.cast((users >= 0) & (items >= 0), tf.float32)[:, tf.newaxis]
        return objective(
            # Where nothing is shared and all are taken, candidates are where they are needed.
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

    @property
    def _has_own_negatives(self) -> bool:
        return self.negatives_group == 1 and self.negatives <= self.hardest

    def get_config(self) -> dict[str, Any]:
        config = {
            "name": self.name,
            "query_ids": len(self.query_tower),
            "candidate_ids": len(self.candidate_tower),
            "dim": self.dim,
            "curvature": curvature_config(self.curvature),
            "mode": self.mode,
            "margin": self.margin,
            "distortion_weight": self.distortion_weight,
            "distortion_reference": self.distortion_reference,
            "negatives": self.negatives,
            "hardest": self.hardest,
            "shallow": self.shallow,
            "negatives_group": self.negatives_group,
            "max_tangent_norm": self.max_tangent_norm,
            "network_output": self.network_output,
            "history": 0 if self.history_settings is None else self.history_settings.to_dict(),
            "seed": self.seed,
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
    return ids if isinstance(ids, int) else len(ids)


def _default_group(negatives: int) -> int:
    return 1 if negatives == 1 else max(32, negatives // 2)


def _default_negatives(n_candidates: int, dim: int) -> int:
    """One in a hundred of the catalogue, within bounds: whatever its size, training looks about as far up the list.

    A few dimensions have no room for the order at the top of a long list, and lose the rest of it by trying.
    """
    return max(20, min(128, n_candidates // 100, 2 * dim))
