"""Where the points of a ball of any dimension go on a flat disk."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.geometry import poincare

# How many of the nearest directions pull on the angle of a point, coarse to fine, and how often they do.
_NEIGHBOURS = (400, 100, 30, 10)
_ROUNDS = 25
_BLOCK = 1024
# A fitted radial scale puts this quantile of the distances at this radius of the disk.
_QUANTILE, _RADIUS = 0.98, 0.83


@dataclasses.dataclass(frozen=True, eq=False)
class DiskLayout:
    """Points on the unit disk.

    Args:
        distances: `(n,)`, hyperbolic distances from the origin in the space itself.
        angles: `(n,)`, angles on the disk, in radians.
        centre: the distance that the centre of the disk stands for.
        scale: what a distance is multiplied by before it is drawn, > 0. With `centre` 0 and `scale` `sqrt(c)` the disk is the
            Poincaré disk itself.
        flat: whether the plane is Euclidean, and a distance is drawn in proportion.
    """

    distances: np.ndarray
    angles: np.ndarray
    centre: float
    scale: float
    flat: bool = False

    def radius(self, distances: Any) -> np.ndarray:
        """The radius at which distances are drawn: `tanh(scale (d - centre) / 2)`, or `scale (d - centre) / 2` if flat."""
        half = self.scale * np.maximum(np.asarray(distances, np.float64) - self.centre, 0.0) / 2.0
        return half if self.flat else np.tanh(half)

    def xy(self) -> np.ndarray:
        """The points as they are drawn, `(n, 2)`."""
        radius = self.radius(self.distances)
        return np.stack([radius * np.cos(self.angles), radius * np.sin(self.angles)], axis=1)


def disk_layout(points: Any, weights: Any = None, curvature: float = 1.0) -> DiskLayout:
    """Lays points of the ball out on a disk.

    In one or two dimensions every point keeps its place, and at `curvature > 0` the picture is the Poincaré disk.

    In more dimensions it is a polar chart with two different promises. *Radii are exact*: a point is drawn by its hyperbolic
    distance from the origin, on a radial scale, the same for all points, that begins a little below the nearest point, because
    trained points fill a shell; rings with the distances written on them make it readable. *Angles show who is near whom*: they
    start from the two leading principal directions and are then moved, in rounds, to the mean angle of the points nearest in
    direction, of 400 at first and ten at last, and spread evenly again. A direction at the origin is undistorted in the
    Poincaré ball. Angles carry order only, and one angle cannot keep all neighbours of a high-dimensional space.

    The even spread of an order is from A. Muscoloni et al., *Machine learning meets complex networks via coalescent embedding in
    the hyperbolic space*, Nature Communications 8 (2017). The result is deterministic.

    Args:
        points: points of the ball, `(n, dim)`.
        weights: importance for the principal directions, `(n,)`, >= 0; equal if None.
        curvature: the curvature of the ball, >= 0.

    Raises:
        ValueError: if `points` is not a matrix of finite points inside the ball, or the weights do not fit.

    Example:

    >>> layout = disk_layout([[0.0, 0.5], [0.3, 0.0]])
    >>> layout.xy().round(6).tolist()
    [[0.0, 0.5], [0.3, 0.0]]
    """
    array = check_points(points, curvature)
    importance = check_weights(weights, len(array))
    tangent = poincare.logmap0(tf.constant(array), tf.constant(curvature, tf.float64)).numpy()
    distances = 2.0 * np.linalg.norm(tangent, axis=1)
    if array.shape[1] <= 2:
        plane = np.pad(array, [(0, 0), (0, 2 - array.shape[1])])
        angles = np.arctan2(plane[:, 1], plane[:, 0])
        if curvature > 0:
            return DiskLayout(distances, angles, 0.0, float(np.sqrt(curvature)))
        return DiskLayout(distances, angles, 0.0, 2.0 * 0.95 / max(float(distances.max()), 1e-12), flat=True)
    return _polar(tangent, distances, importance, flat=curvature == 0)


def check_points(points: Any, curvature: float) -> np.ndarray:
    """Points as a float64 matrix.

    Raises:
        ValueError: see `disk_layout`.
    """
    if not 0 <= curvature < float("inf"):
        raise ValueError(f"`curvature` must be finite and >= 0. Received: curvature={curvature}")
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"`points` must be a matrix of points, (n, dim). Received: shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"`points` must be finite. Received: {np.count_nonzero(~np.isfinite(array))} that are not")
    largest = float(curvature * np.square(array).sum(axis=1).max())
    if largest >= 1:
        raise ValueError(
            f"`points` must lie inside the ball of curvature {curvature}. Received: curvature * |x|^2 = {largest}"
        )
    return array


def check_weights(weights: Any, n: int) -> np.ndarray:
    """Weights as a float64 vector; ones if None.

    Raises:
        ValueError: if they are not `n` finite numbers >= 0.
    """
    if weights is None:
        return np.ones(n)
    array = np.asarray(weights, np.float64)
    if array.shape != (n,) or not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"`weights` must be {n} finite numbers >= 0. Received: shape {array.shape}")
    return array


def _polar(tangent: np.ndarray, distances: np.ndarray, weights: np.ndarray, flat: bool) -> DiskLayout:
    directions = tangent / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-300)
    angles = _spread(_principal_plane(directions, np.sqrt(weights)))
    nearest = _neighbours(directions)
    for k in _NEIGHBOURS:
        # Never more than a quarter of all: the mean of everything has no direction.
        k = min(k, max(1, len(directions) // 4))
        for _ in range(_ROUNDS if nearest.shape[1] else 0):
            angles = _spread(_pull(angles, nearest[:, :k]))
    low, high = float(distances.min()), float(np.quantile(distances, _QUANTILE))
    centre = max(0.0, low - 0.1 * (high - low))
    target = _RADIUS if flat else 2.0 * np.arctanh(_RADIUS)
    scale = (2.0 * _RADIUS if flat else target) / max(high - centre, 1e-12)
    if flat:
        # A plane has an edge, where the disk has infinity: nothing may fall outside.
        scale = min(scale, 2.0 * 0.98 / max(float(distances.max()) - centre, 1e-12))
    return DiskLayout(distances, angles, centre, scale, flat)


def _principal_plane(directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Directions in the coordinates of their two leading principal components, as complex numbers."""
    weights = weights / max(float(weights.sum()), 1e-300)
    centred = directions - weights @ directions
    _, vectors = np.linalg.eigh(centred.T @ (centred * weights[:, None]))
    axes = vectors[:, :-3:-1]
    # The sign of an eigenvector is arbitrary: fix it, so that every machine draws the same picture.
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    plane = centred @ axes
    return plane[:, 0] + 1j * plane[:, 1]


def _spread(plane: np.ndarray) -> np.ndarray:
    """Equidistant angles in the order of the angles of complex numbers."""
    angles = np.empty(len(plane))
    angles[np.argsort(np.angle(plane), kind="stable")] = np.arange(len(plane)) * (2.0 * np.pi / len(plane))
    return angles


def _neighbours(directions: np.ndarray) -> np.ndarray:
    """The nearest other directions of each, nearest first, `(n, k)`."""
    n = len(directions)
    k = min(_NEIGHBOURS[0], n - 1)
    nearest = np.empty((n, k), np.int64)
    for start in range(0, n if k else 0, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        cosines = directions[rows] @ directions.T
        cosines[rows - start, rows] = -np.inf
        some = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(cosines, some, axis=1), axis=1, kind="stable")
        nearest[rows] = np.take_along_axis(some, order, axis=1)
    return nearest


def _pull(angles: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """The sum of the unit vectors of every point's neighbours, those whose neighbour it is included."""
    n, k = nearest.shape
    source, target = np.repeat(np.arange(n), k), nearest.ravel()
    units = np.exp(1j * angles)
    total = np.zeros(n, np.complex128)
    for at, other in ((source, target), (target, source)):
        total += np.bincount(at, units.real[other], n) + 1j * np.bincount(at, units.imag[other], n)
    return total
