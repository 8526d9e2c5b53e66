"""The exported graph: everything between string ids and recommendations, in TensorFlow operations only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from hyperml_tf.geometry import lorentz, poincare
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
from hyperml_tf.serving.signatures import CANDIDATES, DISTANCE, EXCLUDE, ITEM, SIGNATURES, USER, VECTOR
from hyperml_tf.tables import Histories, IdTable
from hyperml_tf.tables.id_table import entries_or

Answer = dict[str, Tensor]


class ServingModule(tf.Module):
    """The module of an exported model, whose methods are the signatures.

    The first axis of every input and output is the batch, so that servers can batch requests. Unknown users are at the origin;
    unknown items have an infinite distance; `""` is padding in inputs, and means "no item" in outputs.

    Args:
        users: An `IdTable` of the users.
        user_points: Points of the users, `(n_users, dim)`.
        items: An `IdTable` of the items.
        index: An index of the items, in variables.
        curvature: A variable >= 0, the curvature.
        fold_in: A `FoldIn`, which computes the points of new users.
        k: Integer >= 1, number of items in results, at most the size of the catalogue.
        seen: Optional `Histories`, in variables, of items to exclude for each user. Defaults to `None`.
        details: Columns of strings, `(n_items,)` each, to return with item ids, by name. Defaults to `None`.

    Raises:
        ValueError: If `k` is not positive.
    """

    def __init__(
        self,
        users: IdTable,
        user_points: Tensor,
        items: IdTable,
        index: Index,
        curvature: tf.Variable,
        fold_in: FoldIn,
        k: int,
        seen: Histories | None = None,
        details: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(name="hyperml_serving")
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        self.k = min(int(k), index.n)
        self.users, self.items, self.index, self.seen = users, items, index, seen
        # Variables, not constants, because a graph is limited to 2 GB.
        self.user_points = tf.Variable(user_points, trainable=False, name="user_points")
        self.curvature, self.fold_in = curvature, fold_in
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
            "recommend_from_items": self.recommend_from_items,
            "similar_items": self.similar_items,
            "score": self.score,
            "embed_user": self.embed_user,
            "embed_item": self.embed_item,
        }
        return {
            # Without autograph, because no Python here branches on tensors: it takes a third of the time.
            name: tf.function(functions[name], autograph=False).get_concrete_function(
                *(field.spec(field_name) for field_name, field in signature.inputs.items())
            )
            for name, signature in SIGNATURES.items()
        }

    def recommend(self, user_id: Tensor) -> Answer:
        """The signature `serving_default`: `user_id` `(batch,)` -> `item_id` and `distance`, `(batch, k)` each, nearest first."""
        users = self.users.codes(_of_rank(user_id, 1))
        return self._nearest(lambda codes: (self._user(codes), self._seen(codes)), [users])

    def recommend_excluding(self, user_id: Tensor, exclude: Tensor) -> Answer:
        """As `recommend`, with exclusions `exclude` `(batch, n)`; `""` and unknown items are ignored."""
        users, excluded = self._rows(user_id, USER, exclude, EXCLUDE)

        def prepare(codes: Tensor, left_out: Tensor) -> tuple[Tensor, Exclusion | None]:
            return self._user(codes), exclude_all(self._seen(codes), exclude_matrix(left_out))

        return self._nearest(prepare, [users, excluded], tf.shape(excluded)[1])

    def recommend_among(self, user_id: Tensor, candidates: Tensor) -> Answer:
        """As `recommend`, among `candidates` `(batch, n)` only; `""` and unknown items are ignored, repeated ones count once."""
        users, items = self._rows(user_id, USER, candidates, CANDIDATES)
        if self.seen is not None:
            items = without_pairs(items, *self.seen.pairs(users))
        return self._answer(*nearest_among(self._user(users), items, self.index, self.curvature, self.k))

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
        users, items = self._rows(user_id, USER, item_id, ITEM)

        def distances(users: Tensor, items: Tensor) -> tuple[Tensor]:
            points = self.index.points(tf.maximum(items, 0))
            found = poincare.distance(self._user(users)[:, tf.newaxis, :], points, self.curvature)
            return (tf.where(items < 0, tf.constant(float("inf"), found.dtype), found),)

        numbers = tf.shape(items)[1] * self.index.dim
        spec = tf.TensorSpec([None, None], self.user_points.dtype)
        return {DISTANCE: in_chunks(distances, [users, items], numbers, [spec])[0]}

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

    def _rows(self, users: Tensor, users_name: str, items: Tensor, items_name: str) -> tuple[Tensor, Tensor]:
        """The codes of a vector of users and a matrix of items with one row per user."""
        users, items = _of_rank(users, 1), _of_rank(items, 2)
        message = f"`{items_name}` must have one row for each of `{users_name}`"
        with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(items)[0], tf.shape(users)[0], message)]):
            return self.users.codes(users), self.items.codes(items)

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

        specs = [tf.TensorSpec([None, self.k], dtype) for dtype in (tf.int32, self.user_points.dtype)]
        numbers = tf.maximum(numbers_per_row, self.index.n)
        return self._answer(*in_chunks(chunk, inputs, numbers, specs))

    def _answer(self, indices: Tensor, distances: Tensor) -> Answer:
        columns = {name: entries_or(values, indices, "") for name, values in self.details.items()}
        return {ITEM: self.items.raw(indices), DISTANCE: distances, **columns}


def _of_rank(ids: Tensor, rank: int) -> Tensor:
    """Ids, whose rank is checked at run time, because servers do not check the shapes that they feed."""
    return tf.ensure_shape(ids, [None] * rank)
