"""Collaborative metric learning in plain Keras, with `Embedding` layers and an optimizer of Keras."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class StockKeras(tf.keras.Model):
    """The loss of `hyperml_tf.models.CML`: the nearest of some uniform negatives, weighted by an estimate of the rank.

    Args:
        n_users, n_items: sizes of the tables.
        dim: dimension of the vectors.
        negatives: the number of negatives sampled per positive; the user's own items are not rejected.
        unit_ball: whether `embeddings_constraint` keeps vectors in the unit ball, as the model requires. Keras applies it to the
            whole table in every step.
        margin: of the hinge.
    """

    def __init__(
        self, n_users: int, n_items: int, dim: int, negatives: int, unit_ball: bool = False, margin: float = 0.5
    ) -> None:
        super().__init__()
        constraint = tf.keras.constraints.MaxNorm(1.0, axis=1) if unit_ball else None
        self.users, self.items = (
            tf.keras.layers.Embedding(n, dim, embeddings_constraint=constraint) for n in (n_users, n_items)
        )
        for layer in (self.users, self.items):
            layer.build(None)
        self.built = True
        self.n_items, self.negatives, self.margin = n_items, negatives, margin

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            loss = self._loss(batch["user"], batch["item"])
        self.optimizer.minimize(loss, self.trainable_variables, tape)
        return {"loss": loss}

    def _loss(self, users: Any, items: Any) -> Any:
        drawn = tf.random.uniform([tf.size(users), self.negatives], 0, self.n_items, tf.int32)
        query, positive = self.users(users), self.items(items)
        near = tf.reduce_sum(tf.square(query - positive), axis=1)
        far = tf.reduce_sum(tf.square(query[:, tf.newaxis] - self.items(drawn)), axis=2)
        violations = tf.math.count_nonzero(self.margin + near[:, tf.newaxis] > far, axis=1, dtype=tf.float32)
        weight = tf.math.log1p(tf.floor(self.n_items * violations / self.negatives))
        hinge = tf.nn.relu(self.margin + near - tf.reduce_min(far, axis=1))
        return tf.reduce_sum(tf.stop_gradient(weight) * hinge)
