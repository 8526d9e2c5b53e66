"""The tower of users that are represented by the items of their histories."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import check_positive
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.data import Interactions
from hyperml_tf.data.pipelines import Draw, Progress
from hyperml_tf.data.windows import window_dataset
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.models.batches import Places, Windows
from hyperml_tf.models.explanations import leave_one_out
from hyperml_tf.models.towers.id_tower import IdTower
from hyperml_tf.models.towers.pull import pull, pull_of_selections, recent_items, recent_weights
from hyperml_tf.models.towers.rows import distinct_rows
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling import row_draws
from hyperml_tf.settings import defaults
from hyperml_tf.settings.history import HistoryArgument, as_history
from hyperml_tf.tables import SeenItems

_INITIAL_SPREAD = 0.01
# After this number of half-lives a weight is below the precision of float32.
_HALVINGS = 24
# Positives of a run, which share the items that are read. Longer runs are cheaper, but correlate the positives of a batch.
_RUN = 8


@names_arguments
@register
class HistoryTower(IdTower):
    """Maps users to points that are computed from the items of their histories, plus a trainable offset per user.

    Every item has a context vector `w` and a recent vector `r`. The tangent vector, at the origin, of a user with `n` items, the
    newest of which is item 0, is

        n / (n + shrinkage) * offset
        + weight * sqrt(min(n, length)) * sum_k(0.5^(k / half_life) w_k) / sum_k(0.5^(k / half_life))
        + recent_weight * sum_k(0.5^(k / recent_half_life) r_k)

    and the point is its `expmap0`. Users with few items, whose offsets would overfit, are represented by their items, so they
    profit from all other users of these items; users with hundreds of items are represented by their offsets, too. The sum over
    context vectors is that of FISM, the sum over recent ones a Markov chain that fades, as in FPMC and Fossil, the offset is that
    of SVD++, and the shrinkage that of an empirical Bayes estimate.

    In training, only items before the positive have recent vectors. The context vectors are those of the items before the
    positive, weighted as in inference, or, for a share `around` of the positives, those of the items on both sides, with equal
    weights: where the data is too sparse to learn an order, these are more pairs of items to learn from. With a `spread`, a part
    of these is drawn anew in every step. Users without history are at the origin. At `c = 0` points are the tangent vectors
    themselves.

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
        - Rendle et al., Factorizing personalized Markov chains for next-basket recommendation, WWW 2010
        - He and McAuley, Fusing similarity models with Markov chains for sparse sequential recommendation, ICDM 2016

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
        self.context = self._add_vectors("context", dim)
        self.recent = self._add_vectors("recent", dim) if settings.recent_weight else None

    def _add_vectors(self, name: str, dim: int) -> Any:
        spread = tf.keras.initializers.RandomNormal(stddev=_INITIAL_SPREAD)
        return self.add_weight(
            name=name, shape=(self.n_items, int(dim)), initializer=spread, experimental_autocast=False
        )

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        flat = tf.reshape(codes, [-1])
        points = self._place(flat, *self.pulled(flat))
        return tf.reshape(points, tf.concat([tf.shape(codes), points.shape[-1:]], axis=0))

    def pulled(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the part of the tangent vectors that items contribute, `(batch, dim)`, and the numbers of items.

        Args:
            codes: User codes, `(batch,)`.
        """
        histories, half_life = self.seen.histories, self.history.half_life
        # Items whose weights vanish in float32 are not read.
        newest = None if half_life is None else math.ceil(_HALVINGS * half_life)
        owners, items, newer = histories.newest(codes, newest)
        weights = None if half_life is None else tf.pow(0.5, tf.cast(newer, tf.float32) / half_life)
        sums, total = _sums(self.context, items, owners, tf.size(codes), weights)
        counts = histories.counts(codes)
        pulled = pull(self.history, sums, total, counts)
        if self.recent is not None:
            owners, items, newer = histories.newest(codes, recent_items(self.history))
            sums, _ = _sums(self.recent, items, owners, tf.size(codes), recent_weights(self.history, newer))
            pulled += sums
        return pulled, counts

    def pulled_by(self, codes: Tensor, known: Tensor) -> Tensor:
        """Returns what several selections of the same items contribute to the tangent vectors, `(batch, selections, dim)`.

        Args:
            codes: Item codes from the oldest to the newest, `(batch, n)`; -1 is padding.
            known: Boolean, which of them are in each selection, `(batch, selections, n)`.
        """
        rows = tf.maximum(codes, 0)
        recent = None if self.recent is None else tf.nn.embedding_lookup(self.recent, rows)
        return pull_of_selections(self.history, known, tf.nn.embedding_lookup(self.context, rows), recent)

    def without_one(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        counts, dim = self.seen.histories.counts(codes), self.context.shape[1]
        items = self.seen.histories.matrix(codes)
        left_out, known = leave_one_out(items)
        m = tf.shape(left_out)[1]
        pulled = tf.reshape(self.pulled_by(items, known), [-1, dim])
        points = self._place(tf.repeat(codes, m), pulled, tf.repeat(counts - 1, m))
        return left_out, tf.reshape(points, [tf.size(codes), m, dim])

    def training_batches(
        self,
        rows: Interactions,
        batch_size: int,
        seed: int,
        progress: Progress | None = None,
        draw: Draw | None = None,
    ) -> tf.data.Dataset:
        places = self.seen.find(tf.constant(rows.users), tf.constant(rows.items)).numpy()
        positive = np.zeros(len(self.seen), bool)
        positive[places[places >= 0]] = True
        weights = None
        if rows.weights is not None:
            weights = np.zeros(len(self.seen), np.float32)
            weights[places[places >= 0]] = rows.weights[places >= 0]
        if draw is not None:
            always, sometimes = (places[part] for part in (draw.always, draw.sometimes))
            draw = draw._replace(always=always, sometimes=sometimes)
        return self._window_dataset(
            positive, batch_size=batch_size, seed=seed, progress=progress, weights=weights, draw=draw
        )

    @property
    def window_options(self) -> dict[str, Any]:
        before, after = self._sides
        return {"before": before, "after": after, "run": _RUN, "reorder": self.history.neighbours == "random"}

    def _window_dataset(self, positive: np.ndarray, **arguments: Any) -> tf.data.Dataset:
        """Runs of the positives, which are marked among the entries of `seen`."""
        return window_dataset((self.seen.indptr, self.seen.items), positive, **self.window_options, **arguments)

    def training_points(
        self,
        users: Tensor,
        items: Tensor,
        seed: Tensor,
        windows: Windows | None = None,
        places: Places | None = None,
    ) -> Tensor:
        rows = None if places is None else places.rows
        if windows is None:
            # Every positive is a run of its own.
            histories = self.seen.window(users, items, self._reach, self._sides[1])
            pulled = self._pulls(histories, 1, seed, rows, lambda values: values[:, 0])
            counts = self.seen.histories.counts(users) - tf.cast(self.seen.contains(users, items), tf.int32)
        else:
            pulled = self._pulls(windows.histories, tf.shape(windows.items)[1], seed, rows, windows.flat)
            counts = (
                self.seen.histories.counts(users) if windows.counts is None else windows.flat_of_runs(windows.counts)
            )
            counts -= 1
        return self._place(users, pulled, counts)

    @property
    def _sides(self) -> tuple[int, int]:
        """The number of items before and after a run that a training step reads."""
        wide = self.history.length * self.history.spread if self.history.around else 0
        return max(self.history.length, wide), wide

    @property
    def _reach(self) -> int:
        """The largest number of items before a positive that its user depends on in training."""
        return self._sides[0]

    def _pulls(
        self,
        histories: Tensor,
        run: int | Tensor,
        seed: Tensor,
        places: Tensor | None,
        flat: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """The pull of the items of each positive, `(positives, dim)`, from windows, `(runs, before + run + after)`.

        `places` are those of the runs in the global batch, see `row_draws`.
        """
        before = tf.shape(histories)[1] - run - self._sides[1]
        ages = _ages(before, run, tf.shape(histories)[1])
        inside = tf.cast(histories >= 0, tf.float32)[..., tf.newaxis]
        weights = self._training_weights(ages, inside, seed, places)
        sums = tf.matmul(weights, distinct_rows(self.context, histories))
        total = tf.matmul(weights, inside)[..., 0]
        counts = tf.cast(tf.matmul(tf.cast(weights > 0, tf.float32), inside)[..., 0], tf.int32)
        pulled = pull(self.history, flat(sums), flat(total), flat(counts))
        if self.recent is None:
            return pulled
        newest = recent_items(self.history)
        read = slice(tf.maximum(before - newest, 0), before + run)
        kernel = tf.where((ages >= 0) & (ages < newest), recent_weights(self.history, ages), 0.0)[:, read]
        return pulled + flat(tf.matmul(kernel, distinct_rows(self.recent, histories[:, read])))

    def _training_weights(self, ages: Tensor, inside: Tensor, seed: Tensor, places: Tensor | None) -> Tensor:
        """The weights of the items of a window for each positive of its run, `(runs or 1, run, window)`."""
        length, half_life = self.history.length, self.history.half_life or math.inf
        earlier = tf.where((ages >= 0) & (ages < length), 0.5 ** (tf.cast(ages, tf.float32) / half_life), 0.0)
        sides = tf.cast((tf.abs(ages + 1) <= self._sides[1]) & (ages != -1), tf.float32)
        kernels = earlier[tf.newaxis], sides[tf.newaxis]
        if self.history.around and self.history.spread > 1:
            kernels = kernels[0], kernels[1] * self._drawn(inside, seed, places)
        if self.history.around in (0, 1):
            return kernels[int(self.history.around)]
        around = row_draws.uniform([tf.shape(inside)[0], 1, 1], seed, places) < self.history.around
        return tf.where(around, kernels[1], kernels[0])

    def _drawn(self, inside: Tensor, seed: Tensor, places: Tensor | None) -> Tensor:
        """Which items of each window are read: one in `spread`, or all if they are few, `(runs, 1, window)`."""
        inside = tf.transpose(inside, [0, 2, 1])
        share = row_draws.uniform(tf.shape(inside), tf.random.experimental.stateless_fold_in(seed, 1), places)
        # The positive itself is in the window, too.
        few = tf.reduce_sum(inside, axis=2, keepdims=True) <= self.history.length + 1.0
        return tf.cast((share < 1 / self.history.spread) | few, tf.float32)

    def _place(self, codes: Tensor, pulled: Tensor, counts: Tensor) -> Tensor:
        """Points of users with `counts` items, from the pull of these."""
        n = tf.cast(counts, tf.float32)
        own = tf.math.divide_no_nan(n, n + self.history.shrinkage)[:, tf.newaxis]
        return self.embedding(codes, adjust=lambda offsets: own * offsets + pulled)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["mode"]
        return {**config, "n_items": self.n_items, "history": self.history.to_dict()}


def _ages(before: int | Tensor, run: int | Tensor, width: int | Tensor) -> Tensor:
    """How many items of a window are between each of its items and each positive of the run, `(run, width)`, int32.

    0 is the item right before the positive, -1 the positive itself; items after it have smaller numbers.
    """
    return before + tf.range(run)[:, tf.newaxis] - tf.range(width) - 1


def _sums(table: Any, items: Tensor, owners: Tensor, n_owners: Tensor, weights: Tensor | None) -> Any:
    """Weighted sums of the rows of items by owner, `(n_owners, dim)`, and the sums of their weights; `owners` is sorted."""
    if weights is not None:
        vectors = weights[:, tf.newaxis] * tf.nn.embedding_lookup(table, items)
        sums = (tf.math.segment_sum(part, owners) for part in (vectors, weights))
        # Segment sums end with the last owner that has an item.
        return (_with_rows(part, n_owners) for part in sums)
    distinct, positions = tf.unique(items)
    vectors = tf.nn.embedding_lookup(table, distinct)
    total = tf.math.bincount(owners, minlength=n_owners, maxlength=n_owners, dtype=tf.float32)
    return tf.sparse.segment_sum(vectors, positions, owners, num_segments=n_owners), total


def _with_rows(values: Tensor, rows: Tensor) -> Tensor:
    """The values, padded with zeros to `rows` rows."""
    missing = rows - tf.shape(values)[0]
    return tf.pad(values, [[0, missing]] + [[0, 0]] * (values.shape.rank - 1))
