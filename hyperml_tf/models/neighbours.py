"""The answer of a search in a model: ids and distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Neighbours(NamedTuple):
    """The nearest ids of each query, nearest first.

    Where fewer than `k` remain after the exclusions, the distance is infinite and the id is `""` (or -1 for integer ids).
    """

    ids: np.ndarray
    """`(batch, k)`, of the dtype of the vocabulary."""
    distances: np.ndarray
    """`(batch, k)` float32, hyperbolic distances, ascending."""
