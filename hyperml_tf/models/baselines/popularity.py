"""The popularity baseline."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.models import keras_arguments
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import IdLookup
from hyperml_tf.tables.id_list import vocabulary


@names_arguments
@register
class Popularity(Recommender):
    """Recommends the most popular items to every user.

    The score of an item is the number of users who have interacted with it. `fit` only records the interactions: there is
    nothing to optimize, so the model need not be compiled.

    Args:
        query_ids: The known users, distinct strings or integers, or their number, see `HyperML`.
        candidate_ids: The catalogue, likewise.
        seed: Not used. Defaults to `0`.
        **kwargs: Base model keyword arguments, such as `name`.

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = Popularity.from_interactions(table)
    >>> history = model.fit(table)
    >>> model.recommend(["stranger"], k=1).ids.tolist()
    [['b']]
    """

    def __init__(self, query_ids: Any, candidate_ids: Any, seed: int = 0, **kwargs: Any) -> None:
        queries, candidates = vocabulary(query_ids=query_ids), vocabulary(candidate_ids=candidate_ids)
        super().__init__(
            IdLookup(queries, name="query_lookup"), IdLookup(candidates, name="candidate_lookup"), seed, **kwargs
        )

    def fit(self, x: Any = None, *args: Any, replace_seen: bool = False, **kwargs: Any) -> Any:
        """Adds the interactions to the histories of the users, as `Recommender.fit`.

        Args:
            x: An `Interactions`, or a batched dataset as for `Recommender.fit`.
            *args: Ignored, for compatibility with other models.
            replace_seen: Boolean, whether the rows replace the histories instead of extending them. Defaults to `False`.
            **kwargs: Ignored, for compatibility with other models, except `y`, `class_weight` and `sample_weight`.

        Returns:
            A `tf.keras.callbacks.History` without losses.

        Raises:
            ValueError: If `y`, `class_weight` or `sample_weight` is given.
        """
        keras_arguments.refuse(**{name: kwargs.get(name) for name in ("y", "class_weight", "sample_weight")})
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
        """Returns the scores of (user, item) pairs, `(batch,)`; 0 for unknown items.

        Args:
            inputs: A dictionary with raw ids under `"user_id"` and `"item_id"`, `(batch,)` each.
            training: Not used.
        """
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
