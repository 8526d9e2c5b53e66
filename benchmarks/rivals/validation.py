"""Validation within the programs that train rivals in other environments: NumPy only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

VALIDATED = 5000
"""So many users are validated after an epoch."""


class Vectors(NamedTuple):
    """Vectors whose product is the score; NaN for users and items that the model does not know.

    Attributes:
        users: `(n_users, dim)`.
        items: `(n_items, dim)`.
    """

    users: np.ndarray
    items: np.ndarray

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Scores of the catalogue, `(batch, n_items)`; minus infinity for what the model does not know."""
        return np.nan_to_num(self.users[users] @ self.items.T, nan=-np.inf)


class Progress:
    """Keeps the best weights by validation nDCG@10 among all items, and says when to stop.

    Args:
        data: The arrays that `embeddings.train` writes.
        patience: Integer, the number of epochs without progress after which to stop.
        seconds: Float, the CPU time after which to stop.
    """

    def __init__(self, data: dict[str, np.ndarray], patience: int, seconds: float) -> None:
        rng = np.random.default_rng(0)
        self.rows = np.sort(rng.permutation(len(data["validation_users"]))[:VALIDATED])
        self.data, self.patience, self.seconds = data, patience, seconds
        self.curve: list[float] = []
        self.best: Any = None
        self._started = time.process_time()

    @property
    def users(self) -> np.ndarray:
        """The users that are validated."""
        return self.data["validation_users"][self.rows]

    def is_over(self, vectors: Vectors, weights: Callable[[], Any]) -> bool:
        """Validates after an epoch, with a function that copies the weights; returns whether training ends."""
        self.curve.append(ndcg_at_10(vectors, self.data, self.rows))
        print(f"epoch {len(self.curve)}: validation full_ndcg@10 {self.curve[-1]:.4f}", file=sys.stderr, flush=True)
        if self.curve[-1] >= max(self.curve):
            self.best = weights()
        stalled = len(self.curve) - 1 - int(np.argmax(self.curve)) >= self.patience
        return stalled or time.process_time() - self._started > self.seconds

    @property
    def notes(self) -> dict[str, Any]:
        """How the training went, as it is stored."""
        return {"best_epoch": int(np.argmax(self.curve)) + 1, "epochs": len(self.curve), "curve": self.curve}


def ndcg_at_10(vectors: Vectors, data: dict[str, np.ndarray], rows: np.ndarray) -> float:
    """nDCG@10 of validation items among all items outside the training rows; a tie counts as a better item."""
    starts = np.searchsorted(data["train_users"], np.arange(int(data["n_users"]) + 1))
    gains = []
    for part in np.array_split(rows, max(1, len(rows) // 256)):
        users, items = data["validation_users"][part], data["validation_items"][part]
        scores = vectors.scores(users)
        below = scores < scores[np.arange(len(part)), items][:, None]
        ranks = scores.shape[1] - 1 - below.sum(1)
        for place, user in enumerate(users):
            seen = data["train_items"][starts[user] : starts[user + 1]]
            ranks[place] -= np.count_nonzero(~below[place, seen])
        gains.append(np.where(ranks < 10, 1.0 / np.log2(ranks + 2.0), 0.0))
    return float(np.concatenate(gains).mean())
