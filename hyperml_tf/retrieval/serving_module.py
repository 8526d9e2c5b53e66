"""The graph that is exported: everything between raw string ids and recommendations, in plain TensorFlow operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from hyperml_tf import numerics, search
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.blocks import in_blocks
from hyperml_tf.retrieval.catalogue_points import CataloguePoints
from hyperml_tf.retrieval.id_table import IdTable, text_or_nothing
from hyperml_tf.retrieval.newcomers import Newcomers
from hyperml_tf.retrieval.seen_rows import SeenRows
from hyperml_tf.retrieval.signatures import DISTANCE, EXCLUDE, ITEM, SIGNATURES, USER, VECTOR

Answer = dict[str, Tensor]


class ServingModule(tf.Module):
    """Points of users and items, their ids and the searches over them, as signatures of a SavedModel.

    Every input and output has the batch as its first axis, so that a server may batch requests. Unknown users lie at the origin;
    an unknown item has an infinite distance; `""` is no item, in inputs (padding) and in outputs (nothing left to return).

    Args:
        users: ids of the users.
        user_points: `(n_users, dim)` points of the ball.
        items: ids of the items.
        catalogue: their points.
        curvature: the curvature `c >= 0`, a variable.
        newcomers: where users are placed by their items.
        k: length of the answers, at least 1; clamped to the catalogue.
        seen: what each user is never to be recommended; nothing if None.
        details: columns of text, `(n_items,)` each, to return beside the ids.

    Raises:
        ValueError: if `k` is not positive.
    """

    def __init__(
        self,
        users: IdTable,
        user_points: Tensor,
        items: IdTable,
        catalogue: CataloguePoints,
        curvature: tf.Variable,
        newcomers: Newcomers,
        k: int,
        seen: SeenRows | None = None,
        details: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(name="hyperml_serving")
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        self.k = min(int(k), catalogue.n)
        self.users, self.items, self.catalogue, self.seen = users, items, catalogue, seen
        # Variables, not constants: a graph is limited to 2 GB, and variables are read from their own files.
        self.user_points = tf.Variable(user_points, trainable=False, name="user_points")
        self.curvature, self.newcomers = curvature, newcomers
        self.details = {
            name: tf.Variable(list(values), dtype=tf.string, trainable=False, name="item_detail")
            for name, values in (details or {}).items()
        }

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The concrete functions by signature name."""
        functions = {
            "serving_default": self.recommend,
            "recommend_excluding": self.recommend_excluding,
            "recommend_from_items": self.recommend_from_items,
            "similar_items": self.similar_items,
            "score": self.score,
            "embed_user": self.embed_user,
            "embed_item": self.embed_item,
        }
        with numerics.forward_only():
            return {
                # No Python here branches on a tensor, so there is nothing to convert, which takes a third of the time.
                name: tf.function(functions[name], autograph=False).get_concrete_function(
                    *(field.spec(field_name) for field_name, field in signature.inputs.items())
                )
                for name, signature in SIGNATURES.items()
            }

    def recommend(self, user_id: Tensor) -> Answer:
        """`user_id` `(batch,)` -> `item_id` and `distance`, both `(batch, k)`, nearest first."""
        users = self.users.lookup(_of_rank(user_id, 1))
        return self._nearest(lambda codes: (self._user(codes), self._unseen(codes)), [users])

    def recommend_excluding(self, user_id: Tensor, exclude: Tensor) -> Answer:
        """As `recommend`, without the items of `exclude` `(batch, n)`; `""` and unknown items exclude nothing."""
        users, excluded = self._rows(user_id, USER, exclude, EXCLUDE)

        def prepare(codes: Tensor, left_out: Tensor) -> tuple[Tensor, search.Restriction]:
            unseen = self._unseen(codes)
            return self._user(codes), lambda scores, place: search.without(unseen(scores, place), place, left_out)

        return self._nearest(prepare, [users, excluded], tf.shape(excluded)[1])

    def recommend_from_items(self, history: Tensor) -> Answer:
        """`history` `(batch, n)`, oldest first -> as `recommend`, for a user placed by these items, which are left out.

        `""` and unknown items do not count; with nothing else the user is at the origin. An item counts as often as it is given.
        """
        items = self.items.lookup(_of_rank(history, 2))

        def prepare(codes: Tensor) -> tuple[Tensor, search.Restriction]:
            return self.newcomers.points(codes), lambda scores, place: search.without(scores, place, codes)

        return self._nearest(prepare, [items], tf.shape(items)[1] * self.catalogue.dim)

    def similar_items(self, item_id: Tensor) -> Answer:
        """`item_id` `(batch,)` -> as `recommend`, without the item itself; `""` and infinity for an unknown item."""
        items = self.items.lookup(_of_rank(item_id, 1))

        def prepare(codes: Tensor) -> tuple[Tensor, search.Restriction]:
            unknown = codes < 0
            queries = self.catalogue.points(tf.maximum(codes, 0))
            return queries, lambda scores, place: tf.where(
                unknown, scores.dtype.min, search.without(scores, place, codes[:, tf.newaxis])
            )

        return self._nearest(prepare, [items])

    def score(self, user_id: Tensor, item_id: Tensor) -> Answer:
        """`user_id` `(batch,)` and `item_id` `(batch, n)` -> `distance` `(batch, n)`; infinite for an unknown item."""
        users, items = self._rows(user_id, USER, item_id, ITEM)

        def distances(users: Tensor, items: Tensor) -> tuple[Tensor]:
            points = self.catalogue.points(tf.maximum(items, 0))
            found = poincare.distance(self._user(users)[:, tf.newaxis, :], points, self.curvature)
            return (tf.where(items < 0, tf.constant(float("inf"), found.dtype), found),)

        numbers = tf.shape(items)[1] * self.catalogue.dim
        spec = tf.TensorSpec([None, None], self.user_points.dtype)
        return {DISTANCE: in_blocks(distances, [users, items], numbers, [spec])[0]}

    def embed_user(self, user_id: Tensor) -> Answer:
        """`user_id` `(batch,)` -> `vector` `(batch, dim + 1)`: its dot product with an item's is higher the nearer it is."""
        lifted = lorentz.lift(self._user(self.users.lookup(_of_rank(user_id, 1))), self.curvature)
        return {VECTOR: lorentz.query(lifted, self.curvature)}

    def embed_item(self, item_id: Tensor) -> Answer:
        """`item_id` `(batch,)` -> `vector` `(batch, dim + 1)`; for an unknown item the first number is infinite, the rest 0."""
        codes = self.items.lookup(_of_rank(item_id, 1))
        lifted = lorentz.lift(self.catalogue.points(tf.maximum(codes, 0)), self.curvature)
        nowhere = tf.one_hot(0, self.catalogue.dim + 1, float("inf"), 0.0, dtype=lifted.dtype)
        return {VECTOR: tf.where(codes[:, tf.newaxis] < 0, nowhere, lifted)}

    def _rows(self, users: Tensor, users_name: str, items: Tensor, items_name: str) -> tuple[Tensor, Tensor]:
        """The codes of a vector of users and a matrix of items, which must have as many rows."""
        users, items = _of_rank(users, 1), _of_rank(items, 2)
        message = f"`{items_name}` must have one row for each of `{users_name}`"
        with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(items)[0], tf.shape(users)[0], message)]):
            return self.users.lookup(users), self.items.lookup(items)

    def _user(self, codes: Tensor) -> Tensor:
        points = tf.gather(self.user_points, tf.maximum(codes, 0))
        return tf.where(codes[:, tf.newaxis] < 0, tf.zeros_like(points), points)

    def _unseen(self, users: Tensor) -> search.Restriction:
        if self.seen is None:
            return lambda scores, place: scores
        pairs = self.seen.pairs(users)
        return lambda scores, place: search.without_pairs(scores, place, pairs)

    def _nearest(
        self,
        prepare: Callable[..., tuple[Tensor, search.Restriction]],
        inputs: Sequence[Tensor],
        numbers_a_row: Tensor = 0,
    ) -> Answer:
        """Searches for what `prepare` makes of codes: points to start from, and a function that leaves out some scores."""

        def search_block(*codes: Tensor) -> tuple[Tensor, Tensor]:
            queries, restrict = prepare(*codes)
            enough = min(self.k + self.catalogue.slack, self.catalogue.n)
            found = self.catalogue.best(search.klein(queries, self.curvature), enough, restrict)
            return search.winners(queries, found, self.catalogue.points, self.curvature, self.k)

        specs = [tf.TensorSpec([None, self.k], dtype) for dtype in (tf.int32, self.user_points.dtype)]
        numbers = tf.maximum(numbers_a_row, self.catalogue.n)
        indices, distances = in_blocks(search_block, inputs, numbers, specs)
        columns = {name: text_or_nothing(values, indices) for name, values in self.details.items()}
        return {ITEM: self.items.raw(indices), DISTANCE: distances, **columns}


def _of_rank(ids: Tensor, rank: int) -> Tensor:
    """Ids, checked when the graph runs: servers do not compare the shape of what they feed with that of the input."""
    return tf.ensure_shape(ids, [None] * rank)
