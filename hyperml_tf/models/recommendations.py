"""The answer of a model that scores: ids and scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Recommendations(NamedTuple):
    """The ids of highest score for each query, best first.

    Where fewer than `k` remain after the exclusions, the score is minus infinity and the id is `""` (or -1 for integer ids).
    """

    ids: np.ndarray
    """`(batch, k)`, of the dtype of the vocabulary."""
    scores: np.ndarray
    """`(batch, k)` float32, descending. Their scale is that of the model; only their order has a meaning."""
