"""What the tests of retrieval share."""

from __future__ import annotations

import numpy as np

DIM = 5


def points(rng: np.random.Generator, n: int, c: float, radius: float) -> np.ndarray:
    directions = rng.normal(size=(n, DIM))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return (directions * radius * rng.random((n, 1)) ** 0.2 / np.sqrt(c or 1.0)).astype(np.float32)


def true_distances(queries: np.ndarray, candidates: np.ndarray, c: float) -> np.ndarray:
    x, y = queries.astype(np.float64)[:, None], candidates.astype(np.float64)[None]
    difference = np.linalg.norm(x - y, axis=-1)
    if c == 0:
        return 2 * difference
    gaps = (1 - c * np.sum(x**2, -1)) * (1 - c * np.sum(y**2, -1))
    return 2 / np.sqrt(c) * np.arcsinh(np.sqrt(c / gaps) * difference)
