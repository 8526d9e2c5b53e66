"""Newcomers to a model whose users are free points."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.catalogue_points import CataloguePoints
from hyperml_tf.retrieval.newcomers import Newcomers


class MidpointNewcomers(Newcomers):
    """They are at the gyromidpoint of the points of their items.

    Args:
        catalogue: the points of the items.
        curvature: the curvature `c >= 0`, a variable that the export holds.
        half_life: see `Newcomers`.
    """

    def __init__(self, catalogue: CataloguePoints, curvature: tf.Variable, half_life: float) -> None:
        super().__init__(half_life)
        self.catalogue, self.curvature = catalogue, curvature

    def points(self, codes: Tensor) -> Tensor:
        items = self.catalogue.points(tf.maximum(codes, 0))
        return poincare.gyromidpoint(items, self.curvature, self.weights(codes))
