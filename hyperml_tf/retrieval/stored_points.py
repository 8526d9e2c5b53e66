"""The points of the catalogue inside an export, and the product that ranks them."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.catalogue_points import CataloguePoints


class StoredPoints(CataloguePoints):
    """Points of the ball, held once, and searched as if they were lifted: a `search.Searchable` in variables.

    Lifted vectors beside points would double an export.

    Args:
        points: `(n, dim)` points of the ball.
        c: the curvature, a scalar >= 0.
    """

    precision = "float32"
    slack = search.SLACK

    def __init__(self, points: Tensor, c: Tensor) -> None:
        catalogue = search.searchable(points, c)
        super().__init__(points)
        self.catalogue = search.Searchable(
            tf.Variable(catalogue.points, trainable=False, name="item_points"),
            tf.Variable(catalogue.squared, trainable=False, name="item_squared_norms"),
            tf.Variable(catalogue.factors, trainable=False, name="item_factors"),
            tf.Variable(catalogue.order, trainable=False, name="item_order"),
            tf.Variable(catalogue.place, trainable=False, name="item_places"),
        )

    def best(self, vectors: Tensor, k: Tensor, restrict: search.Restriction | None = None) -> tuple[Tensor, Tensor]:
        return self._read().best(vectors, k, restrict)

    def points(self, codes: Tensor) -> Tensor:
        return self._read().points_at(codes)

    def _read(self) -> search.Searchable:
        # Always whole, which copies nothing: after a gather from the variable itself TensorFlow copies it at every reading.
        return search.Searchable(*(part.read_value() for part in self.catalogue))
