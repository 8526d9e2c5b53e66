"""Towers of Euclidean baselines: one free vector an id."""

from __future__ import annotations

from typing import Any

from hyperml_tf.models.baselines.vector_tower import VectorTower


def free_vectors(
    role: str, ids: Any, dim: int, initial_stddev: float, seed: int, max_norm: float | None = None
) -> VectorTower:
    """The tower of a role, "query" or "candidate"; the two start differently. Other arguments: as for `VectorTower`."""
    return VectorTower(ids, dim, initial_stddev, max_norm, seed=4 * seed + (role == "candidate"), name=f"{role}_tower")
