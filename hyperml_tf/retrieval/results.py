"""What a search returns: ids with distances, or with scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Neighbours(NamedTuple):
    """The nearest ids of each query, nearest first.

    Where fewer than `k` remain after the exclusions, the distance is infinite and the id is `""` (or -1 for integer ids).

    Attributes:
        ids: `(batch, k)`, of the dtype of the vocabulary.
        distances: hyperbolic distances, `(batch, k)` float32, ascending.

    Example:

    >>> Neighbours(np.array([["a"]], dtype=object), np.array([[0.5]], dtype="float32")).ids.tolist()
    [['a']]
    """

    ids: np.ndarray
    distances: np.ndarray


class Recommendations(NamedTuple):
    """The ids of highest score for each query, best first.

    Where fewer than `k` remain after the exclusions, the score is minus infinity and the id is `""` (or -1 for integer ids).

    Attributes:
        ids: `(batch, k)`, of the dtype of the vocabulary.
        scores: `(batch, k)` float32, descending. Their scale is that of the model; only their order has a meaning.

    Example:

    >>> Recommendations(np.array([["a"]], dtype=object), np.array([[0.5]], dtype="float32")).ids.tolist()
    [['a']]
    """

    ids: np.ndarray
    scores: np.ndarray
