"""The baseline every table of results starts with."""

from __future__ import annotations

import numpy as np

from hyperml_tf.data import Interactions


class Popularity:
    """Recommends to everyone what most users took.

    Args:
        interactions: the training rows.
    """

    def __init__(self, interactions: Interactions) -> None:
        self.counts = interactions.popularity()

    def score_all(self, user_codes: np.ndarray) -> np.ndarray:
        """Scores of the whole catalogue, `(batch,)` codes -> `(batch, n)`."""
        return np.broadcast_to(self.counts, (len(user_codes), len(self.counts)))
