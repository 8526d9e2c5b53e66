"""The tower of users who are placed by their items."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from hyperml_tf._arguments import check_positive
from hyperml_tf._keras import register
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.models.towers.id_tower import IdTower
from hyperml_tf.models.towers.pull import pull
from hyperml_tf.numerics import Tensor
from hyperml_tf.settings import defaults
from hyperml_tf.settings.history import HistoryArgument, as_history
from hyperml_tf.tables import SeenItems

_INITIAL_SPREAD = 0.01
# After so many half-lives a weight is below the precision of float32.
_HALVINGS = 24


@register
class HistoryTower(IdTower):
    """Places every user by the items they have, and by a free offset that weighs the more the more there are of these.

    Every item has a second vector `w`: where it pulls the users who have it. The tangent vector of a user with `n` items is

        n / (n + shrinkage) * offset + weight * sqrt(min(n, length)) * mean(w)

    So a user with few items, about whom an offset could only be learned by heart, borrows from all who share an item with them;
    one with hundreds has a point of their own. The sum over a user's items is that of FISM (Kabbur et al., KDD 2013), the offset
    that of SVD++ (Koren, KDD 2008), the shrinkage that of an empirical Bayes estimate.

    **In training** the positive itself is left out, and of more than `length` items so many are drawn near it in the user's
    order: what a user took at about the same time says most. **Afterwards** an item weighs half as much as the one `half_life`
    places after it. Users without history are at the origin. At `c = 0` points are the tangent vectors themselves.

    Args:
        ids: the vocabulary, distinct strings or integers, or its size, see `Tower`.
        dim: dimension of the points.
        n_items: size of the catalogue.
        history: see `History`, whose names are those of the formula.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        embeddings_initializer, embeddings_regularizer, max_tangent_norm: see `HyperbolicEmbedding`. The first is for offsets,
            the others are for what becomes of them.
        **kwargs: as for every Keras layer.

    Attributes:
        seen: what the users have seen, a `SeenItems`, empty at first. It is part of the state of the tower.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Points, `(..., dim)`; the origin for an unknown id.

    Raises:
        ValueError: if a number is out of its range.

    Example:

    >>> tower = HistoryTower(["a", "b"], dim=4, n_items=3)
    >>> tower.seen.set(users=np.array([0, 0, 1]), items=np.array([0, 1, 2]))
    >>> tower(["b", "unknown"]).shape
    TensorShape([2, 4])
    """

    seen: SeenItems

    # Users at a time: their items are read one by one.
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
                f"`history` must have a length: use `IdTower` for users who are free points. Received: history={history!r}"
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
        # What weighs less than float32 can tell from nothing is not read.
        newest = None if half_life is None else math.ceil(_HALVINGS * half_life)
        owners, items, newer = self.seen.histories.newest(flat, newest)
        weights = None if half_life is None else tf.pow(0.5, tf.cast(newer, tf.float32) / half_life)
        sums, total = self._sums(items, owners, tf.size(flat), weights)
        points = self._place(flat, sums, total, self.seen.histories.counts(flat))
        return tf.reshape(points, tf.concat([tf.shape(codes), points.shape[-1:]], axis=0))

    def training_points(self, users: Tensor, items: Tensor, seed: Tensor) -> Tensor:
        """The points of users in training, where the positive of each does not count; see `Tower.training_points`."""
        drawn, used = self.seen.around(users, items, self.history.length, self.history.window, seed)
        where = tf.where(used)
        sums, total = self._sums(tf.gather_nd(drawn, where), tf.cast(where[:, 0], tf.int32), tf.size(users))
        counts = self.seen.histories.counts(users) - tf.cast(self.seen.contains(users, items), tf.int32)
        return self._place(users, sums, total, counts)

    def _sums(self, items: Tensor, owners: Tensor, n_owners: Tensor, weights: Tensor | None = None) -> Any:
        """Weighted sums of the items' vectors by owner, `(n_owners, dim)`, and sums of the weights; owners ascend."""
        if weights is not None:
            vectors = weights[:, tf.newaxis] * tf.nn.embedding_lookup(self.context, items)
            sums = (tf.math.segment_sum(part, owners) for part in (vectors, weights))
            # The last owners may have no items: sums end with the last who has.
            return (_with_rows(part, n_owners) for part in sums)
        # An item is read once, however many have it, and so is its gradient.
        distinct, positions = tf.unique(items)
        vectors = tf.nn.embedding_lookup(self.context, distinct)
        total = tf.math.bincount(owners, minlength=n_owners, maxlength=n_owners, dtype=tf.float32)
        return tf.sparse.segment_sum(vectors, positions, owners, num_segments=n_owners), total

    def _place(self, codes: Tensor, sums: Tensor, total: Tensor, counts: Tensor) -> Tensor:
        """Points of users with so many items, `counts`, from weighted sums of vectors and the sums of the weights."""
        pulled = pull(self.history, sums, total, counts)
        n = tf.cast(counts, tf.float32)
        own = tf.math.divide_no_nan(n, n + self.history.shrinkage)[:, tf.newaxis]
        return self.embedding(codes, adjust=lambda offsets: own * offsets + pulled)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["mode"]
        return {**config, "n_items": self.n_items, "history": self.history.to_dict()}


def _with_rows(values: Tensor, rows: Tensor) -> Tensor:
    """The values with rows of zeros after them, up to so many."""
    missing = rows - tf.shape(values)[0]
    return tf.pad(values, [[0, missing]] + [[0, 0]] * (values.shape.rank - 1))
