"""The learned space of a run."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.geometry import poincare
from hyperml_tf.metrics.lists import distances_within
from hyperml_tf.models import HyperML

# Coordinates of pairs in memory at a time: 64 MiB of float64.
_COORDINATES = 2**23


@dataclasses.dataclass(frozen=True, eq=False)
class Space:
    """Points of items and users, with their distances, in float64.

    Args:
        items: Points of the items, `(n_items, dim)`.
        users: Points of the users, `(n_users, dim)`.
        curvature: Float >= 0.
    """

    items: np.ndarray
    users: np.ndarray
    curvature: float

    @classmethod
    def of(cls, model: HyperML, known: Interactions) -> Space:
        """Takes the points of a model, of users as they are with the rows of `known` as their histories."""
        with model.seen.replaced(known):
            users = model.query_tower.all_points().numpy()
        items = model.candidate_tower.all_points().numpy()
        return cls(items.astype(np.float64), users.astype(np.float64), float(model.curvature()))

    def radii(self) -> np.ndarray:
        """Returns the distances of the items from the origin, `(n_items,)`."""
        return poincare.distance0(self.items, self._c).numpy()

    def from_users(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns the distances of pairs of a user and an item, from their codes, `(pairs,)` each."""
        return poincare.distance(self.users[users], self.items[items], self._c).numpy()

    def between(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Returns the distances of all items of `first` to all of `second`, codes, as a matrix."""
        return _blockwise(self.items[first], self.items[second], self._c)

    def flat_between(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Returns what `between` would be if space were flat: the distances of the tangent vectors at the origin."""
        x, y = (poincare.logmap0(self.items[codes], self._c).numpy() for codes in (first, second))
        return _blockwise(x, y, tf.constant(0.0, tf.float64))

    def within(self, lists: np.ndarray) -> np.ndarray:
        """Returns the distances between the items of each list, `(lists, k, k)`, from codes; -1 counts as item 0."""
        return distances_within(self.items, self.curvature, lists)

    @property
    def _c(self) -> Any:
        return tf.constant(self.curvature, tf.float64)


def _blockwise(x: np.ndarray, y: np.ndarray, c: Any) -> np.ndarray:
    size = max(1, _COORDINATES // max(1, y.size))
    parts = [poincare.pairwise_distance(x[start : start + size], y, c).numpy() for start in range(0, len(x), size)]
    return np.concatenate(parts)
