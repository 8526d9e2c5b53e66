"""The tower of users who are where their items put them."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.models.arguments import check_not_negative, check_positive
from hyperml_tf.models.id_tower import IdTower
from hyperml_tf.models.seen_items import SeenItems
from hyperml_tf.numerics import Tensor

_INITIAL_SPREAD = 0.01


@register
class HistoryTower(IdTower):
    """Places every user by the items they have seen, and by a free offset that weighs the more the more there are of these.

    Every item has a second vector `w`, which says where it pulls those who have it. The tangent vector of a user with `n` items is

        n / (n + shrinkage) * offset + strength(n) * mean(w),    strength(n) = weight * sqrt(min(n, history))

    So a user with few items, about whom an offset could only be learned by heart, borrows from all who share an item with them;
    one with hundreds has a point of their own. The sum over the items of a user is that of FISM (Kabbur et al., KDD 2013), the
    offset that of SVD++ (Koren, KDD 2008), the shrinkage that of an empirical Bayes estimate.

    While training the positive itself is left out, and of more than `history` items so many are drawn at random. Whoever has
    no items is at the origin.

    Args:
        ids: the vocabulary, distinct strings or integers.
        dim: dimension of the points.
        n_items: size of the catalogue.
        history: how many of a user's items a training step reads, at least 1; also where `strength` ends to grow.
        weight: the strength of a single item, >= 0.
        shrinkage: the number of items at which the offset counts half, >= 0; 0: it always counts in full.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        embeddings_initializer, embeddings_regularizer, max_tangent_norm: see `HyperbolicEmbedding`.
        seen: what the users have seen. None: nothing, until `tower.seen.set` says otherwise; models share theirs.
        **kwargs: as for every Keras layer.

    Input shape: raw ids, `(...)`. Output shape: points, `(..., dim)`; the origin for an unknown id.

    Raises:
        ValueError: if a number is out of its range.

    Example:

    >>> tower = HistoryTower(["a", "b"], dim=4, n_items=3)
    >>> tower.seen.set([0, 2, 3], [0, 1, 2], n_candidates=3)
    >>> tower(["b", "unknown"]).shape
    TensorShape([2, 4])
    """

    def __init__(
        self,
        ids: Any,
        dim: int,
        n_items: int,
        history: int = 16,
        weight: float = 0.4,
        shrinkage: float = 20.0,
        curvature: CurvatureArgument = 1.0,
        embeddings_initializer: InitializerLike = None,
        embeddings_regularizer: RegularizerLike = None,
        max_tangent_norm: float | None = None,
        seen: SeenItems | None = None,
        **kwargs: Any,
    ) -> None:
        check_positive(n_items=n_items, history=history)
        check_not_negative(weight=weight, shrinkage=shrinkage)
        super().__init__(
            ids,
            dim,
            curvature,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            max_tangent_norm=max_tangent_norm,
            **kwargs,
        )
        self.n_items, self.history = int(n_items), int(history)
        self.weight, self.shrinkage = float(weight), float(shrinkage)
        self.seen = SeenItems(name="seen") if seen is None else seen
        self.context = self.add_weight(
            name="context",
            shape=(self.n_items, int(dim)),
            initializer=tf.keras.initializers.RandomNormal(stddev=_INITIAL_SPREAD),
            experimental_autocast=False,
        )

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        flat = tf.reshape(codes, [-1])
        owners, items = self.seen.pairs_of(flat)
        counts = tf.cast(self.seen.counts(flat), tf.float32)
        points = self._place(flat, self._sums(items, owners, tf.size(flat)), counts, counts)
        return tf.reshape(points, tf.concat([tf.shape(codes), points.shape[-1:]], axis=0))

    def points_without(self, codes: Tensor, items: Tensor, seed: Tensor) -> Tensor:
        """As `points` where one item of each user does not count, and of many some are drawn.

        Args:
            codes: users, `(batch,)`.
            items: the item to leave out for each, `(batch,)`.
            seed: two integers; the same seed draws the same.

        Returns:
            Points, `(batch, dim)`.
        """
        drawn, used = self.seen.sample(codes, self.history, seed)
        used &= drawn != items[:, tf.newaxis]
        where = tf.where(used)
        sums = self._sums(tf.gather_nd(drawn, where), tf.cast(where[:, 0], tf.int32), tf.size(codes))
        own = tf.cast(self.seen.contains(codes, items), tf.float32)
        counts = tf.cast(self.seen.counts(codes), tf.float32) - own
        return self._place(codes, sums, tf.reduce_sum(tf.cast(used, tf.float32), axis=1), counts)

    def strength(self, counts: Tensor) -> Tensor:
        """What the mean of so many items is multiplied by."""
        return self.weight * tf.sqrt(tf.minimum(counts, float(self.history)))

    def _sums(self, items: Tensor, owners: Tensor, n_owners: Tensor) -> Tensor:
        """Sums of the items' vectors by owner, `(n_owners, dim)`; owners ascend."""
        # An item is read once, however many have it, and so is its gradient.
        distinct, positions = tf.unique(items)
        vectors = tf.nn.embedding_lookup(self.context, distinct)
        return tf.sparse.segment_sum(vectors, positions, owners, num_segments=n_owners)

    def _place(self, codes: Tensor, sums: Tensor, summed: Tensor, counts: Tensor) -> Tensor:
        """Points of users, from sums over `summed` of their `counts` items, all `(batch, ...)`."""
        pull = sums * tf.math.divide_no_nan(self.strength(counts), summed)[:, tf.newaxis]
        own = tf.math.divide_no_nan(counts, counts + self.shrinkage)[:, tf.newaxis]
        return self.embedding(codes, adjust=lambda offsets: own * offsets + pull)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["mode"]
        return {
            **config,
            "n_items": self.n_items,
            "history": self.history,
            "weight": self.weight,
            "shrinkage": self.shrinkage,
        }
