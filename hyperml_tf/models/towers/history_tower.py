"""The tower of users that are represented by the items of their histories."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_positive
from hyperml_tf._keras import register
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.models.towers.id_tower import IdTower
from hyperml_tf.models.towers.pull import pull
from hyperml_tf.numerics import Tensor
from hyperml_tf.settings import defaults
from hyperml_tf.settings.history import HistoryArgument, as_history
from hyperml_tf.tables import SeenItems

_INITIAL_SPREAD = 0.01
# After this number of half-lives a weight is below the precision of float32.
_HALVINGS = 24


@register
class HistoryTower(IdTower):
    """Maps users to points that are computed from the items of their histories, plus a trainable offset per user.

    Every item has a context vector `w`. The tangent vector, at the origin, of a user with `n` items is

        n / (n + shrinkage) * offset + weight * sqrt(min(n, length)) * mean(w)

    and the point is its `expmap0`. Users with few items, whose offsets would overfit, are represented by their items, so they
    profit from all other users of these items; users with hundreds of items are represented by their offsets, too. The sum over
    items is that of FISM, the offset that of SVD++, and the shrinkage that of an empirical Bayes estimate.

    In training, the positive itself is left out of the history, and from longer histories `length` items are sampled near the
    positive in the user's order, because items from about the same time are the most informative. In inference, all items count,
    and the weight of an item halves every `half_life` later items. Users without history are at the origin. At `c = 0` points are
    the tangent vectors themselves.

    Args:
        ids: The vocabulary, distinct strings or integers, or its size, see `Tower`.
        dim: Integer >= 1, dimension of the points.
        n_items: Integer >= 1, size of the catalogue.
        history: A `History`, its arguments, or its length; it has the constants of the formula. Defaults to `History()`.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        embeddings_initializer: Initializer of the offsets, see `HyperbolicEmbedding`. Defaults to `None`, that of the layer.
        embeddings_regularizer: Regularizer of the points, see `HyperbolicEmbedding`. Defaults to `None`.
        max_tangent_norm: Optional float > 0, largest norm of the tangent vectors, see `HyperbolicEmbedding`. Defaults to `None`,
            the limit of the ball.
        **kwargs: `id_dtype`, see `Tower`, and base layer keyword arguments, such as `name`.

    Attributes:
        seen: The histories, a `SeenItems`, empty at first. They are part of the state of the tower.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Points, `(..., dim)`; the origin for unknown ids.

    Raises:
        ValueError: If a number is out of its range, or if `history` is 0 or `None`.

    Reference:
        - Kabbur et al., FISM: factored item similarity models for top-N recommender systems, KDD 2013
        - Koren, Factorization meets the neighborhood, KDD 2008

    Example:

    >>> tower = HistoryTower(["a", "b"], dim=4, n_items=3)
    >>> tower.seen.set(users=[0, 0, 1], items=[0, 1, 2])
    >>> tower(["b", "unknown"]).shape
    TensorShape([2, 4])
    """

    seen: SeenItems

    # Fewer users at a time than in other towers, because all of their items are read.
    block = 4096

    def __init__(
        self,
        ids: Any,
        dim: int,
        n_items: int,
        history: HistoryArgument = defaults.HISTORY,
        curvature: CurvatureArgument = 1.0,
        embeddings_initializer: InitializerLike = None,
        embeddings_regularizer: RegularizerLike = None,
        max_tangent_norm: float | None = None,
        **kwargs: Any,
    ) -> None:
        check_positive(n_items=n_items)
        settings = as_history(history)
        if settings is None:
            raise ValueError(
                f"`history` must have a length >= 1: without histories, use `IdTower`. Received: history={history!r}"
            )
        super().__init__(
            ids,
            dim,
            curvature,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            max_tangent_norm=max_tangent_norm,
            **kwargs,
        )
        self.n_items, self.history = int(n_items), settings
        self.seen = SeenItems(len(self), self.n_items, name="seen")
        self.context = self.add_weight(
            name="context",
            shape=(self.n_items, int(dim)),
            initializer=tf.keras.initializers.RandomNormal(stddev=_INITIAL_SPREAD),
            experimental_autocast=False,
        )

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        flat = tf.reshape(codes, [-1])
        half_life = self.history.half_life
        # Items whose weights vanish in float32 are not read.
        newest = None if half_life is None else math.ceil(_HALVINGS * half_life)
        owners, items, newer = self.seen.histories.newest(flat, newest)
        weights = None if half_life is None else tf.pow(0.5, tf.cast(newer, tf.float32) / half_life)
        sums, total = self._sums(items, owners, tf.size(flat), weights)
        points = self._place(flat, sums, total, self.seen.histories.counts(flat))
        return tf.reshape(points, tf.concat([tf.shape(codes), points.shape[-1:]], axis=0))

    def training_points(self, users: Tensor, items: Tensor, seed: Tensor) -> Tensor:
        """Returns the points of users in training, without the positive of each; see `Tower.training_points`."""
        drawn, used = self.seen.around(users, items, self.history.length, self.history.window, seed)
        where = tf.where(used)
        sums, total = self._sums(tf.gather_nd(drawn, where), tf.cast(where[:, 0], tf.int32), tf.size(users))
        counts = self.seen.histories.counts(users) - tf.cast(self.seen.contains(users, items), tf.int32)
        return self._place(users, sums, total, counts)

    def _sums(self, items: Tensor, owners: Tensor, n_owners: Tensor, weights: Tensor | None = None) -> Any:
        """Weighted sums of context vectors by owner, `(n_owners, dim)`, and the sums of their weights; `owners` is sorted."""
        if weights is not None:
            vectors = weights[:, tf.newaxis] * tf.nn.embedding_lookup(self.context, items)
            sums = (tf.math.segment_sum(part, owners) for part in (vectors, weights))
            # Segment sums end with the last owner that has an item.
            return (_with_rows(part, n_owners) for part in sums)
        # Each distinct item is looked up once, so that its gradient has one row.
        distinct, positions = tf.unique(items)
        vectors = tf.nn.embedding_lookup(self.context, distinct)
        total = tf.math.bincount(owners, minlength=n_owners, maxlength=n_owners, dtype=tf.float32)
        return tf.sparse.segment_sum(vectors, positions, owners, num_segments=n_owners), total

    def _place(self, codes: Tensor, sums: Tensor, total: Tensor, counts: Tensor) -> Tensor:
        """Points of users with `counts` items, from weighted sums of context vectors and the sums of the weights."""
        pulled = pull(self.history, sums, total, counts)
        n = tf.cast(counts, tf.float32)
        own = tf.math.divide_no_nan(n, n + self.history.shrinkage)[:, tf.newaxis]
        return self.embedding(codes, adjust=lambda offsets: own * offsets + pulled)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["mode"]
        return {**config, "n_items": self.n_items, "history": self.history.to_dict()}


def _with_rows(values: Tensor, rows: Tensor) -> Tensor:
    """The values, padded with zeros to `rows` rows."""
    missing = rows - tf.shape(values)[0]
    return tf.pad(values, [[0, missing]] + [[0, 0]] * (values.shape.rank - 1))
