"""The points of the catalogue inside an export, and the product that ranks them."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor, squared_norm
from hyperml_tf.retrieval.catalogue_points import CataloguePoints


class StoredPoints(CataloguePoints):
    """Points of the ball, held once, and searched as if they were lifted.

    The lift of a point `y` is `f (|y|^2, y)` with its conformal factor `f`. So the rows `(|y|^2, y)` and the factors give both
    the scores, by one matrix product, and the points themselves: lifted vectors beside points would double an export.

    Args:
        points: `(n, dim)` points of the ball.
        c: the curvature, a scalar >= 0.
    """

    precision = "float32"
    slack = search.SLACK

    def __init__(self, points: Tensor, c: Tensor) -> None:
        points = tf.convert_to_tensor(points)
        super().__init__(points)
        rows = tf.concat([squared_norm(points), points], axis=1)
        self.rows = tf.Variable(rows, trainable=False, name="item_rows")
        self.factors = tf.Variable(poincare.conformal_factor(points, c), trainable=False, name="item_factors")

    def scores(self, queries: Tensor) -> Tensor:
        return tf.matmul(self.rows.read_value(), queries, transpose_b=True) * self.factors[:, tf.newaxis]

    def points(self, codes: Tensor) -> Tensor:
        return tf.gather(self.rows, codes)[..., 1:]
