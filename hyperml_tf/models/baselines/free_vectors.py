"""Towers of Euclidean baselines: one free vector an id."""

from __future__ import annotations

import math
from typing import Any

from hyperml_tf.models.baselines.vector_tower import VectorTower


def free_vectors(
    role: str, ids: Any, dim: int, initial_stddev: float, seed: int, max_norm: float | None = None
) -> VectorTower:
    """The tower of a role, "query" or "candidate"; the two start differently. Other arguments: as for `VectorTower`."""
    return VectorTower(ids, dim, initial_stddev, max_norm, seed=4 * seed + (role == "candidate"), name=f"{role}_tower")


def check_positive(**values: Any) -> None:
    """Raises a `ValueError` that names the first argument that is not a finite number above 0."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}")


def check_not_negative(**values: Any) -> None:
    """Raises a `ValueError` that names the first argument that is not a finite number >= 0."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"`{name}` must be >= 0. Received: {name}={value}")
