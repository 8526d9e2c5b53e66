"""Collaborative metric learning."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorflow as tf

from hyperml_tf._argument_checks import check_not_negative, check_positive
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.layers import Curvature
from hyperml_tf.models.baselines.vector_tower import VectorTower
from hyperml_tf.models.batches import Places
from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling import uniform_negatives


@names_arguments
@register
class CML(MetricRecommender):
    """Collaborative metric learning (CML): Euclidean metric learning in the unit ball.

    For users `x_i` and items `y_j` of norm at most 1, it minimises, over positives `(i, j)` and the hardest sampled negative `k`,

        sum log(1 + floor(n M / negatives)) [margin + |x_i - y_j|^2 - |x_i - y_k|^2]_+

    where `n` is the size of the catalogue and `M` the number of negatives that violate the margin. The weight estimates the rank
    of the positive.

    Margins are in units of `|x - y|^2`. The distances that the model returns are `2 |x - y|`, as everywhere at curvature 0.

    Args:
        query_ids: The known users, distinct strings or integers, or their number, see `HyperML`.
        candidate_ids: The catalogue, likewise.
        dim: Integer >= 1, dimension of the points. Defaults to `64`.
        margin: Float > 0, the margin of the hinge, in units of `|x - y|^2`. Defaults to `0.5`.
        negatives: Integer >= 1, uniform negatives per positive, of which the hardest is used. Defaults to `10`.
        covariance_weight: Float >= 0, weight of the covariance regularization: the sum of the squared covariances between
            different coordinates of the points in a batch, times the number of positives. The paper tunes it on validation data.
            Defaults to `0.0`.
        initial_stddev: Float > 0, standard deviation of the initial coordinates. Defaults to `0.1`.
        seed: Integer, random seed of the initial points and of the negatives. Defaults to `0`.
        **kwargs: Base model keyword arguments, such as `name`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        - Hsieh et al., Collaborative metric learning, WWW 2017

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = CML.from_interactions(table, dim=8)
    >>> model.compile()
    >>> history = model.fit(table, epochs=2, verbose=0)
    >>> model.recommend(["u1"], k=1).ids.tolist()
    [['c']]
    """

    ACCUMULATOR: ClassVar[float] = 10.0

    def __init__(
        self,
        query_ids: Any,
        candidate_ids: Any,
        dim: int = 64,
        margin: float = 0.5,
        negatives: int = 10,
        covariance_weight: float = 0.0,
        initial_stddev: float = 0.1,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        check_positive(dim=dim, margin=margin, negatives=negatives, initial_stddev=initial_stddev)
        check_not_negative(covariance_weight=covariance_weight)
        super().__init__(
            VectorTower.of("query", query_ids, int(dim), initial_stddev, seed, max_norm=1.0),
            VectorTower.of("candidate", candidate_ids, int(dim), initial_stddev, seed, max_norm=1.0),
            Curvature(0.0),
            seed,
            **kwargs,
        )
        self.dim, self.negatives = int(dim), int(negatives)
        self.margin, self.covariance_weight = float(margin), float(covariance_weight)
        self.initial_stddev = float(initial_stddev)

    def compute_loss(self, inputs: Any, training: bool = False) -> Tensor:
        users, items = self.codes(inputs)
        drawn, found = uniform_negatives(
            users,
            len(self.candidate_tower),
            self.negatives,
            self.seen_in(inputs),
            self._seed(inputs, training),
            Places.of_positives(inputs),
        )
        query = self.query_tower.points_or_origin(users, training)
        squared, hardest = self._nearest(query, drawn, found)
        rows = self.candidate_tower.points_or_origin(tf.stack([items, hardest], axis=1), training)
        distances = tf.reduce_sum(tf.square(query[:, tf.newaxis] - rows), axis=-1)
        imposters = found & (self.margin + distances[:, :1] > squared)
        hinge = tf.nn.relu(self.margin + distances[:, 0] - distances[:, 1])
        weight = self._rank_weight(imposters, found) * self.weights_of(inputs, users, items)
        loss = tf.reduce_sum(tf.stop_gradient(weight) * hinge)
        if self.covariance_weight > 0:
            loss += self.covariance_weight * _covariance(tf.concat([query, rows[:, 0]], axis=0))
        return loss

    def _nearest(self, query: Tensor, drawn: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
        """Squared distances of all sampled candidates, `(batch, negatives)`, and the nearest one, `(batch,)`; no gradient."""
        query, points = tf.stop_gradient(query), tf.stop_gradient(self.candidate_tower.points(drawn))
        squared = tf.reduce_sum(tf.square(points), axis=-1) - 2.0 * tf.linalg.matvec(points, query)
        squared += tf.reduce_sum(tf.square(query), axis=-1, keepdims=True)
        nearest = tf.argmin(tf.where(found, squared, float("inf")), axis=1, output_type=tf.int32)
        return squared, tf.gather(drawn, nearest, batch_dims=1)

    def _rank_weight(self, imposters: Tensor, found: Tensor) -> Tensor:
        """`log(1 + floor(n M / negatives))`, `(batch,)`; 0 if there is no negative."""
        violations = tf.math.count_nonzero(imposters, axis=1, dtype=tf.float32)
        drawn = tf.maximum(tf.math.count_nonzero(found, axis=1, dtype=tf.float32), 1.0)
        return tf.math.log1p(tf.floor(len(self.candidate_tower) * violations / drawn))

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "query_ids": len(self.query_tower),
            "candidate_ids": len(self.candidate_tower),
            "dim": self.dim,
            "margin": self.margin,
            "negatives": self.negatives,
            "covariance_weight": self.covariance_weight,
            "initial_stddev": self.initial_stddev,
            "seed": self.seed,
        }


def _covariance(points: Tensor) -> Tensor:
    """The sum of the squared covariances between different coordinates of points `(2 batch, dim)`, times the batch."""
    rows = tf.cast(tf.shape(points)[0], tf.float32)
    centred = points - tf.reduce_mean(points, axis=0)
    covariance = tf.matmul(centred, centred, transpose_a=True) / rows
    different = tf.linalg.set_diag(covariance, tf.zeros_like(covariance[0]))
    return tf.reduce_sum(tf.square(different)) * rows / 2.0
