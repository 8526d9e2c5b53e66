"""Results of retrieval: ids with distances or with scores, and what is known of the items beside them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

Details = Mapping[str, np.ndarray]

_NOTHING: Details = MappingProxyType({})


class _IdsAndDistances(NamedTuple):
    ids: np.ndarray
    distances: np.ndarray


class _IdsAndScores(NamedTuple):
    ids: np.ndarray
    scores: np.ndarray


class Neighbours(_IdsAndDistances):
    """The nearest ids of each query, nearest first: a tuple of ids and distances.

    If exclusions leave fewer than `k` candidates, the distance is infinite and the id is `""`, or -1 for integer ids.

    Args:
        ids: Raw ids, `(batch, k)`, with the dtype of the vocabulary.
        distances: Hyperbolic distances, `(batch, k)`, float32, ascending.
        details: Columns of an `ItemTable` beside the ids, such as titles: texts, `(batch, k)` each, by name. They are no member
            of the tuple. Defaults to `None`, no columns.

    Example:

    >>> nearest = Neighbours(np.array([["a"]]), np.array([[0.5]]), {"title": np.array([["Teapot"]])})
    >>> ids, distances = nearest
    >>> nearest.details["title"].tolist()
    [['Teapot']]
    """

    details: Details = _NOTHING

    def __new__(cls, ids: np.ndarray, distances: np.ndarray, details: Details | None = None) -> Neighbours:
        made = super().__new__(cls, ids, distances)
        made.details = details or _NOTHING
        return made

    @property
    def found(self) -> np.ndarray:
        """Which entries are items: `False` where none was left, `(batch, k)`."""
        return self.distances < np.inf


class Recommendations(_IdsAndScores):
    """The ids of highest score for each query, best first: a tuple of ids and scores.

    If exclusions leave fewer than `k` candidates, the score is minus infinity and the id is `""`, or -1 for integer ids.

    Args:
        ids: Raw ids, `(batch, k)`, with the dtype of the vocabulary.
        scores: Scores, `(batch, k)`, float32, descending. Their scale depends on the model; only their order is meaningful.
        details: Columns of an `ItemTable` beside the ids, as in `Neighbours`. Defaults to `None`, no columns.

    Example:

    >>> Recommendations(np.array([["a"]], dtype=object), np.array([[0.5]], dtype="float32")).ids.tolist()
    [['a']]
    """

    details: Details = _NOTHING

    def __new__(cls, ids: np.ndarray, scores: np.ndarray, details: Details | None = None) -> Recommendations:
        made = super().__new__(cls, ids, scores)
        made.details = details or _NOTHING
        return made

    @property
    def found(self) -> np.ndarray:
        """Which entries are items: `False` where none was left, `(batch, k)`."""
        return self.scores > -np.inf
