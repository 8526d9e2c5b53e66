"""What a search by distance needs to know of a model."""

from __future__ import annotations

from typing import Protocol

from hyperml_tf.layers import Curvature
from hyperml_tf.models.catalogue import Catalogue
from hyperml_tf.models.towers.tower import Tower


class TwoTowers(Catalogue, Protocol):
    """Two towers of one curvature."""

    query_tower: Tower
    candidate_tower: Tower
    curvature: Curvature
