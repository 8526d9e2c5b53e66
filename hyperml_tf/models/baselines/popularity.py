"""The baseline every table of results starts with."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import IdLookup


@register
class Popularity(Recommender):
    """Recommends to everyone what most users have interacted with.

    `fit` counts: the score of an item is the number of users who have seen it. There is nothing to optimise, so `compile` is not
    needed and epochs make no difference.

    Args:
        query_ids: the known users, distinct strings or integers, or their number, see `HyperML`.
        candidate_ids: the catalogue, likewise.
        seed: not used; every model has one.
        **kwargs: `name`, as for every Keras model.

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = Popularity.from_interactions(table)
    >>> history = model.fit(table)
    >>> model.recommend(["stranger"], k=1).ids.tolist()
    [['b']]
    """

    def __init__(self, query_ids: Any, candidate_ids: Any, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(
            IdLookup(query_ids, name="query_lookup"), IdLookup(candidate_ids, name="candidate_lookup"), seed, **kwargs
        )

    def fit(self, x: Any = None, *args: Any, replace_seen: bool = False, **kwargs: Any) -> Any:
        """Adds the rows to what users have seen, as `Recommender.fit`.

        Args:
            x: an `Interactions`, or a batched dataset as for `Recommender.fit`.
            replace_seen: whether the rows replace what users have seen.
            *args, **kwargs: taken as other models take them, and of no effect.

        Returns:
            A `tf.keras.callbacks.History` without losses.
        """
        self._training_data(x, None, replace_seen)
        return tf.keras.callbacks.History()

    def score_catalogue(self, users: Tensor) -> Tensor:
        n = len(self.candidate_lookup)
        items = self.seen.histories.items[: tf.cast(self.seen.histories.indptr[-1], tf.int32)]
        counts = tf.cast(tf.math.bincount(items, minlength=n, maxlength=n), tf.float32)
        return tf.broadcast_to(counts, [tf.size(users), n])

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        return tf.constant(0.0)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """The scores of pairs, `{"user_id": (batch,), "item_id": (batch,)}` -> `(batch,)`."""
        users, items = self.codes(inputs)
        scores = self.score_catalogue(users)
        return tf.where(items < 0, 0.0, tf.gather(scores, tf.maximum(items, 0), batch_dims=1))

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "query_ids": len(self.query_lookup),
            "candidate_ids": len(self.candidate_lookup),
            "seed": self.seed,
        }
