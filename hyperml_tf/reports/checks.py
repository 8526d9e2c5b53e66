"""Checks of the arguments of measures."""

from __future__ import annotations

from typing import Any

import numpy as np


def distance_matrix(distances: Any) -> np.ndarray:
    """Converts the distances between all points to a float64 matrix.

    Raises:
        ValueError: If it is not a symmetric matrix of finite numbers >= 0 with zeros on its diagonal.
    """
    matrix = np.asarray(distances, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"`distances` must be a square matrix. Received: shape {matrix.shape}")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError("`distances` must be finite and >= 0. Received: others")
    scale = 1e-6 * float(matrix.max(initial=0.0))
    if np.abs(np.diagonal(matrix)).max(initial=0.0) > scale or np.abs(matrix - matrix.T).max(initial=0.0) > scale:
        raise ValueError("`distances` must be symmetric, with zeros on the diagonal. Received: a matrix that is not")
    return matrix


def rows_of_distances(**matrices: Any) -> list[np.ndarray]:
    """Converts matrices of one shape, `(rows, n)`, to float64.

    Raises:
        ValueError: If they are not matrices of one shape with numbers >= 0, which may be infinite.
    """
    arrays = {name: np.asarray(value, np.float64) for name, value in matrices.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    names = " and ".join(f"`{name}`" for name in arrays)
    if len(set(shapes.values())) != 1 or any(len(shape) != 2 for shape in shapes.values()):
        raise ValueError(f"{names} must be matrices of one shape. Received: {shapes}")
    for name, array in arrays.items():
        if not (array >= 0).all():
            raise ValueError(f"`{name}` must be numbers >= 0. Received: others")
    return list(arrays.values())
