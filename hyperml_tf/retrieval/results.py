"""Results of retrieval: ids with distances or with scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Neighbours(NamedTuple):
    """The nearest ids of each query, nearest first.

    If exclusions leave fewer than `k` candidates, the distance is infinite and the id is `""`, or -1 for integer ids.

    Attributes:
        ids: Raw ids, `(batch, k)`, with the dtype of the vocabulary.
        distances: Hyperbolic distances, `(batch, k)`, float32, ascending.

    Example:

    >>> Neighbours(np.array([["a"]], dtype=object), np.array([[0.5]], dtype="float32")).ids.tolist()
    [['a']]
    """

    ids: np.ndarray
    distances: np.ndarray


class Recommendations(NamedTuple):
    """The ids of highest score for each query, best first.

    If exclusions leave fewer than `k` candidates, the score is minus infinity and the id is `""`, or -1 for integer ids.

    Attributes:
        ids: Raw ids, `(batch, k)`, with the dtype of the vocabulary.
        scores: Scores, `(batch, k)`, float32, descending. Their scale depends on the model; only their order is meaningful.

    Example:

    >>> Recommendations(np.array([["a"]], dtype=object), np.array([[0.5]], dtype="float32")).ids.tolist()
    [['a']]
    """

    ids: np.ndarray
    scores: np.ndarray
