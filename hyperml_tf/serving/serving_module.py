"""The exported graph: everything between string ids and recommendations, in TensorFlow operations only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from hyperml_tf._argument_checks import count
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.models.explanations import strongest
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.among import nearest_among
from hyperml_tf.retrieval.chunks import in_chunks
from hyperml_tf.retrieval.exclusions import (
    Exclusion,
    exclude_all,
    exclude_matrix,
    exclude_pairs,
    exclude_queries,
    without_pairs,
)
from hyperml_tf.retrieval.nearest import Index, nearest
from hyperml_tf.serving.fold_in import FoldIn
from hyperml_tf.serving.item_filters import ItemFilters
from hyperml_tf.serving.signatures import (
    CANDIDATES,
    DISTANCE,
    EXCLUDE,
    FILTER_COLUMN,
    FILTER_VALUE,
    FILTERED,
    HISTORY,
    ITEM,
    PULL,
    SHARE,
    SIGNATURES,
    USER,
    VECTOR,
    Signature,
)
from hyperml_tf.tables import Histories, IdTable
from hyperml_tf.tables.id_table import entries_or

Answer = dict[str, Tensor]


class ServingModule(tf.Module):
    """The module of an exported model, whose methods are the signatures.

    The first axis of every input and output is the batch, so that servers can batch requests. Unknown users are at the origin;
    unknown items have an infinite distance; `""` is padding in inputs, and means "no item" in outputs.

    Args:
        users: An `IdTable` of the users.
        user_points: A variable with the points of the users, `(n_users, dim)`.
        items: An `IdTable` of the items.
        index: An index of the items, in variables.
        curvature: A variable >= 0, the curvature.
        fold_in: A `FoldIn`, which computes the points of new users.
        k: Integer >= 1, number of items in results, at most the size of the catalogue.
        histories: Optional `Histories` of the users, in variables. Defaults to `None`.
        exclude_seen: Boolean, whether recommendations exclude the items of `histories`. Defaults to `False`.
        details: Columns of strings, `(n_items,)` each, to return with item ids, by name. Defaults to `None`.
        filter_columns: Names of those of `details` by which `recommend_where` filters. Defaults to `()`, without this signature.

    Raises:
        ValueError: If `k` is not positive.
    """

    def __init__(
        self,
        users: IdTable,
        user_points: tf.Variable,
        items: IdTable,
        index: Index,
        curvature: tf.Variable,
        fold_in: FoldIn,
        k: int,
        histories: Histories | None = None,
        exclude_seen: bool = False,
        details: Mapping[str, Sequence[str]] | None = None,
        filter_columns: Sequence[str] = (),
    ) -> None:
        super().__init__(name="hyperml_serving")
        count(k=k)
        self.k = min(int(k), index.n)
        self.users, self.items, self.index = users, items, index
        self.histories, self.seen = histories, histories if exclude_seen else None
        self.user_points = user_points
        self.curvature, self.fold_in = curvature, fold_in
        self.filter_columns = tuple(filter_columns)
        columns = {name: (details or {})[name] for name in filter_columns}
        self.filters = ItemFilters.of(columns) if columns else None
        # Variables, not constants, because a graph is limited to 2 GB.
        self.details = {
            name: tf.Variable(list(values), dtype=tf.string, trainable=False, name="item_detail")
            for name, values in (details or {}).items()
        }

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Returns the concrete functions by signature name."""
        functions = {
            "serving_default": self.recommend,
            "recommend_excluding": self.recommend_excluding,
            "recommend_among": self.recommend_among,
            "recommend_where": self.recommend_where,
            "recommend_from_items": self.recommend_from_items,
            "similar_items": self.similar_items,
            "score": self.score,
            "explain": self.explain,
            "embed_user": self.embed_user,
            "embed_item": self.embed_item,
        }
        return {
            # Without autograph, because no Python here branches on tensors: it takes a third of the time.
            name: tf.function(functions[name], autograph=False).get_concrete_function(
                *(field.spec(field_name) for field_name, field in signature.inputs.items())
            )
            for name, signature in self.exported.items()
        }

    @property
    def exported(self) -> dict[str, Signature]:
        """The signatures of this export, by name."""
        return {name: one for name, one in SIGNATURES.items() if name != FILTERED or self.filters is not None}

    def recommend(self, user_id: Tensor) -> Answer:
        """The signature `serving_default`: `user_id` `(batch,)` -> `item_id` and `distance`, `(batch, k)` each, nearest first."""
        users = self.users.codes(_of_rank(user_id, 1))
        return self._nearest(lambda codes: (self._user(codes), self._seen(codes)), [users])

    def recommend_excluding(self, user_id: Tensor, exclude: Tensor) -> Answer:
        """As `recommend`, with exclusions `exclude` `(batch, n)`; `""` and unknown items are ignored."""
        users, excluded = self._rows(user_id, exclude, EXCLUDE)

        def prepare(codes: Tensor, left_out: Tensor) -> tuple[Tensor, Exclusion | None]:
            return self._user(codes), exclude_all(self._seen(codes), exclude_matrix(left_out))

        return self._nearest(prepare, [users, excluded], tf.shape(excluded)[1])

    def recommend_among(self, user_id: Tensor, candidates: Tensor) -> Answer:
        """As `recommend`, among `candidates` `(batch, n)` only; `""` and unknown items are ignored, repeated ones count once."""
        users, items = self._rows(user_id, candidates, CANDIDATES)
        if self.seen is not None:
            items = without_pairs(items, *self.seen.pairs(users))
        return self._answer(*nearest_among(self._user(users), items, self.index, self.curvature, self.k))

    def recommend_where(self, user_id: Tensor, filter_column: Tensor, filter_value: Tensor) -> Answer:
        """As `recommend`, among the items with the value `filter_value` in the column `filter_column`, `(batch,)` each.

        Or with it as a member of a list. There are none for an unknown column or value.
        """
        filters, texts = (
            self.filters,
            {FILTER_COLUMN: _of_rank(filter_column, 1), FILTER_VALUE: _of_rank(filter_value, 1)},
        )
        assert filters is not None  # the signature is exported only then
        with tf.control_dependencies(_same_rows(_of_rank(user_id, 1), texts)):
            users = self.users.codes(user_id)

        def chunk(users: Tensor, columns: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
            items = filters.matrix(columns, values)
            if self.seen is not None:
                items = without_pairs(items, *self.seen.pairs(users))
            return nearest_among(self._user(users), items, self.index, self.curvature, self.k)

        return self._answer(*in_chunks(chunk, [users, *texts.values()], self.index.n, self._specs()))

    def recommend_from_items(self, history: Tensor) -> Answer:
        """`history` `(batch, n)`, oldest first -> as `recommend`, for a new user with these items, which are excluded.

        `""` and unknown items are ignored; users without other items are at the origin. Repeated items count repeatedly.
        """
        items = self.items.codes(_of_rank(history, 2))

        def prepare(codes: Tensor) -> tuple[Tensor, Exclusion | None]:
            return self.fold_in.points(codes), exclude_matrix(codes)

        return self._nearest(prepare, [items], tf.shape(items)[1] * self.index.dim)

    def similar_items(self, item_id: Tensor) -> Answer:
        """`item_id` `(batch,)` -> as `recommend`, without the item itself; `""` and infinity for an unknown item."""
        items = self.items.codes(_of_rank(item_id, 1))

        def prepare(codes: Tensor) -> tuple[Tensor, Exclusion | None]:
            queries = self.index.points(tf.maximum(codes, 0))
            return queries, exclude_all(exclude_matrix(codes[:, tf.newaxis]), exclude_queries(codes < 0))

        return self._nearest(prepare, [items])

    def score(self, user_id: Tensor, item_id: Tensor) -> Answer:
        """`user_id` `(batch,)` and `item_id` `(batch, n)` -> `distance` `(batch, n)`; infinite for an unknown item."""
        users, items = self._rows(user_id, item_id, ITEM)

        def distances(users: Tensor, items: Tensor) -> tuple[Tensor]:
            points = self.index.points(tf.maximum(items, 0))
            found = poincare.distance(self._user(users)[:, tf.newaxis, :], points, self.curvature)
            return (tf.where(items < 0, tf.constant(float("inf"), found.dtype), found),)

        numbers = tf.shape(items)[1] * self.index.dim
        spec = tf.TensorSpec([None, None], self.user_points.dtype)
        return {DISTANCE: in_chunks(distances, [users, items], numbers, [spec])[0]}

    def explain(self, user_id: Tensor, item_id: Tensor) -> Answer:
        """`user_id` and `item_id` `(batch,)` -> items of the user's history, their shares and pulls, `(batch, k)` each.

        And `distance` `(batch,)`. See `hyperml_tf.models.explanations`. Without a history, or for an unknown item, there are no
        items.
        """
        users, items = _of_rank(user_id, 1), _of_rank(item_id, 1)
        with tf.control_dependencies(_same_rows(users, {ITEM: items})):
            users, items = self.users.codes(users), self.items.codes(items)

        def explained(users: Tensor, items: Tensor) -> tuple[Tensor, ...]:
            points, targets = self._user(users), self.index.points(tf.maximum(items, 0))
            left_out, without = self.fold_in.without_one(self._history(users, items), points)
            codes, shares, pulls, distances = strongest(points, without, left_out, targets, self.curvature, self.k)
            return codes, shares, pulls, tf.where(items < 0, tf.constant(float("inf"), distances.dtype), distances)

        dtype = self.user_points.dtype
        specs = [tf.TensorSpec([None, self.k], one) for one in (tf.int32, dtype, dtype)]
        longest = tf.reduce_max(tf.concat([[1], tf.shape(self._history(users, items))[1:]], axis=0))
        numbers = self.fold_in.numbers_without_one(longest)
        codes, shares, pulls, distances = in_chunks(
            explained, [users, items], numbers, [*specs, tf.TensorSpec([None], dtype)]
        )
        columns = {name: entries_or(values, codes, "") for name, values in self.details.items()}
        return {HISTORY: self.items.raw(codes), SHARE: shares, PULL: pulls, DISTANCE: distances, **columns}

    def embed_user(self, user_id: Tensor) -> Answer:
        """`user_id` `(batch,)` -> `vector` `(batch, dim + 1)`, whose dot product with that of an item decreases with distance."""
        lifted = lorentz.lift(self._user(self.users.codes(_of_rank(user_id, 1))), self.curvature)
        return {VECTOR: lorentz.query(lifted, self.curvature)}

    def embed_item(self, item_id: Tensor) -> Answer:
        """`item_id` `(batch,)` -> `vector` `(batch, dim + 1)`; for unknown items the first number is infinite, the others 0."""
        codes = self.items.codes(_of_rank(item_id, 1))
        lifted = lorentz.lift(self.index.points(tf.maximum(codes, 0)), self.curvature)
        nowhere = tf.one_hot(0, self.index.dim + 1, float("inf"), 0.0, dtype=lifted.dtype)
        return {VECTOR: tf.where(codes[:, tf.newaxis] < 0, nowhere, lifted)}

    def _rows(self, users: Tensor, items: Tensor, items_name: str) -> tuple[Tensor, Tensor]:
        """The codes of a vector of users and a matrix of items with one row per user."""
        users, items = _of_rank(users, 1), _of_rank(items, 2)
        with tf.control_dependencies(_same_rows(users, {items_name: items})):
            return self.users.codes(users), self.items.codes(items)

    def _history(self, users: Tensor, items: Tensor) -> Tensor:
        """The histories of users, `(batch, n)`; without entries for unknown users and items."""
        if self.histories is None:
            return tf.zeros([tf.shape(users)[0], 0], tf.int32)
        found = self.histories.matrix(tf.maximum(users, 0))
        return tf.where(((users < 0) | (items < 0))[:, tf.newaxis], -1, found)

    def _user(self, codes: Tensor) -> Tensor:
        points = tf.gather(self.user_points, tf.maximum(codes, 0))
        return tf.where(codes[:, tf.newaxis] < 0, tf.zeros_like(points), points)

    def _seen(self, users: Tensor) -> Exclusion | None:
        return None if self.seen is None else exclude_pairs(*self.seen.pairs(users))

    def _nearest(
        self,
        prepare: Callable[..., tuple[Tensor, Exclusion | None]],
        inputs: Sequence[Tensor],
        numbers_per_row: Tensor = 0,
    ) -> Answer:
        """Finds the items nearest to the points that `prepare` computes from codes, with its exclusions."""

        def chunk(*codes: Tensor) -> tuple[Tensor, Tensor]:
            queries, exclusion = prepare(*codes)
            return nearest(queries, self.index, self.curvature, self.k, exclusion)

        numbers = tf.maximum(numbers_per_row, self.index.n)
        return self._answer(*in_chunks(chunk, inputs, numbers, self._specs()))

    def _specs(self) -> list[tf.TensorSpec]:
        """Those of the indices and distances of results."""
        return [tf.TensorSpec([None, self.k], dtype) for dtype in (tf.int32, self.user_points.dtype)]

    def _answer(self, indices: Tensor, distances: Tensor) -> Answer:
        columns = {name: entries_or(values, indices, "") for name, values in self.details.items()}
        return {ITEM: self.items.raw(indices), DISTANCE: distances, **columns}


def _same_rows(users: Tensor, others: Mapping[str, Tensor]) -> list[Tensor]:
    """Assertions that inputs have one row per user: a single one would be broadcast to all users."""
    return [
        tf.debugging.assert_equal(
            tf.shape(values)[0], tf.shape(users)[0], f"`{name}` must have one row for each of `{USER}`"
        )
        for name, values in others.items()
    ]


def _of_rank(ids: Tensor, rank: int) -> Tensor:
    """Ids, whose rank is checked at run time, because servers do not check the shapes that they feed."""
    return tf.ensure_shape(ids, [None] * rank)
