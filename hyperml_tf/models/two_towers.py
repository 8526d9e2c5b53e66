"""What the functions that feed a model and ask it need to know of it."""

from __future__ import annotations

from typing import Any, Protocol

from hyperml_tf.data import Interactions
from hyperml_tf.layers import Curvature
from hyperml_tf.models.seen_items import SeenItems
from hyperml_tf.models.tower import Tower


class TwoTowers(Protocol):
    """Two towers of one curvature, with what their queries have seen."""

    query_tower: Tower
    candidate_tower: Tower
    curvature: Curvature
    seen: SeenItems
    batches: Any
    """The number of training batches so far, a `tf.Variable`."""

    def set_seen(self, interactions: Interactions) -> None:
        """Replaces what the queries have seen."""
