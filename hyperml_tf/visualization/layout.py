"""Layouts of the points of a ball of any dimension on a disk."""

from __future__ import annotations

import dataclasses
import reprlib
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import check_not_negative
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.geometry import poincare

# How many nearest neighbours move the angle of a point, from coarse to fine, and for how many rounds each.
_NEIGHBOURS = (400, 100, 30, 10)
_ROUNDS = 25
_BLOCK = 1024
# Of more points than these, the ones of the largest weight are laid out, and the others beside them.
_LANDMARKS = 8000
_BESIDE = 10
# The radial scale is fitted so that this quantile of the distances has this radius on the disk.
_QUANTILE, _RADIUS = 0.98, 0.83


@dataclasses.dataclass(frozen=True, eq=False)
class DiskLayout:
    """Points in polar coordinates on the unit disk.

    Args:
        distances: `(n,)` hyperbolic distances from the origin of the space.
        angles: `(n,)` angles on the disk, in radians.
        centre: the distance that is drawn at the centre of the disk, >= 0.
        scale: the factor on distances before they are drawn, > 0. With `centre` 0 and `scale` sqrt(c) the disk is the
            Poincaré disk of curvature c.
        flat: whether the plane is Euclidean, so that radii are proportional to distances. Defaults to False.

    Example:

    >>> layout = DiskLayout(np.array([0.0, 1.0]), np.array([0.0, np.pi / 2]), centre=0.0, scale=1.0)
    >>> layout.xy().round(3).tolist()
    [[0.0, 0.0], [0.0, 0.462]]
    """

    distances: np.ndarray
    angles: np.ndarray
    centre: float
    scale: float
    flat: bool = False

    def radius(self, distances: Any) -> np.ndarray:
        """Returns the radii of distances d on the disk: `tanh(scale (d - centre) / 2)`, or `scale (d - centre) / 2` if flat."""
        half = self.scale * np.maximum(np.asarray(distances, np.float64) - self.centre, 0.0) / 2.0
        return half if self.flat else np.tanh(half)

    def xy(self) -> np.ndarray:
        """Returns the Cartesian coordinates of the points, `(n, 2)`."""
        radius = self.radius(self.distances)
        return np.stack([radius * np.cos(self.angles), radius * np.sin(self.angles)], axis=1)


@names_arguments
def disk_layout(points: Any, weights: Any = None, curvature: float = 1.0) -> DiskLayout:
    """Lays out points of the ball on a disk.

    Points of one or two dimensions keep their place: at `curvature > 0` the layout is the Poincaré disk.

    Points of more dimensions are laid out in polar coordinates. *Radii are exact*: the radius of a point is determined by its
    hyperbolic distance from the origin, on a scale that starts a little below the nearest point, because trained points fill
    a shell. *Angles show neighbourhoods*: they start as the angles in the plane of the two leading principal components. In
    several rounds each angle is then moved to the mean angle of the points with the nearest directions, 400 of them at first
    and 10 at last, and the angles are spread out evenly again, as in coalescent embedding. Directions from the origin are
    not distorted in the Poincaré ball. Only the order of angles has a meaning, and one angle cannot preserve all
    neighbourhoods of a high-dimensional space. Of more than 8,000 points, those with the largest weights are laid out in this
    way, and every other one at the mean angle of the 10 of them whose directions are nearest. The result is deterministic.

    Args:
        points: `(n, dim)` points of the ball.
        weights: `(n,)` weights >= 0 of the points in the principal components, and among them for the choice of those that are
            laid out first. Defaults to None, equal weights.
        curvature: the curvature of the ball, >= 0. Defaults to 1.

    Returns:
        The layout.

    Raises:
        ValueError: if `points` is not a matrix of finite points inside the ball, or `weights` does not match it.

    Reference:
        A. Muscoloni et al., *Machine learning meets complex networks via coalescent embedding in the hyperbolic space*,
        Nature Communications 8 (2017).

    Example:

    >>> layout = disk_layout([[0.0, 0.5], [0.3, 0.0]])
    >>> layout.xy().round(6).tolist()
    [[0.0, 0.5], [0.3, 0.0]]
    """
    array = check_points(curvature, points=points)
    importance = check_weights(len(array), weights=weights)
    tangent = _tangent(array, curvature)
    distances = 2.0 * np.linalg.norm(tangent, axis=1)
    if array.shape[1] <= 2:
        plane = np.pad(array, [(0, 0), (0, 2 - array.shape[1])])
        angles = np.arctan2(plane[:, 1], plane[:, 0])
        if curvature > 0:
            return DiskLayout(distances, angles, 0.0, float(np.sqrt(curvature)))
        return DiskLayout(distances, angles, 0.0, 2.0 * 0.95 / max(float(distances.max()), 1e-12), flat=True)
    return _polar(tangent, distances, importance, flat=curvature == 0)


@names_arguments
def layout_beside(points: Any, others: Any, layout: DiskLayout, curvature: float = 1.0) -> DiskLayout:
    """Lays out further points, such as users, among points that are laid out already, such as items.

    Their radii are exact, on the scale of `layout`; their angles are exact in one or two dimensions, or else the mean angle of
    the 10 points whose directions are nearest.

    Args:
        points: `(n, dim)` points of the ball.
        others: `(m, dim)` points of the ball, those of `layout`.
        layout: the layout of `others`.
        curvature: the curvature of the ball, >= 0. Defaults to 1.

    Returns:
        The layout of `points`.

    Raises:
        ValueError: if a matrix is not one of finite points inside the ball.

    Example:

    >>> items = [[0.0, 0.5], [0.3, 0.0]]
    >>> layout_beside([[0.2, 0.2]], items, disk_layout(items)).xy().round(6).tolist()
    [[0.2, 0.2]]
    """
    array, known = check_points(curvature, points=points), check_points(curvature, others=others)
    tangent = _tangent(array, curvature)
    distances = 2.0 * np.linalg.norm(tangent, axis=1)
    if array.shape[1] <= 2:
        plane = np.pad(array, [(0, 0), (0, 2 - array.shape[1])])
        angles = np.arctan2(plane[:, 1], plane[:, 0])
    else:
        angles = np.angle(_beside(_directions(tangent), _directions(_tangent(known, curvature)), layout.angles))
    return dataclasses.replace(layout, distances=distances, angles=angles)


def _tangent(points: np.ndarray, curvature: float) -> np.ndarray:
    return poincare.logmap0(tf.constant(points), tf.constant(curvature, tf.float64)).numpy()


def check_points(curvature: float, **points: Any) -> np.ndarray:
    """Converts points, given by the name of the argument, to a float64 matrix.

    Raises:
        ValueError: as `disk_layout`.
    """
    check_not_negative(curvature=curvature)
    [(name, values)] = points.items()
    array = _numbers(name, values)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"`{name}` must be a matrix of points, (n, dim). Received: shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must be finite. Received: {np.count_nonzero(~np.isfinite(array))} coordinates that are not"
        )
    largest = float(curvature * np.square(array).sum(axis=1).max())
    if largest >= 1:
        raise ValueError(
            f"`{name}` must lie inside the ball of curvature {curvature}. Received: curvature * |x|^2 = {largest}"
        )
    return array


def _numbers(name: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be numbers. Received: {reprlib.repr(values)}") from error


def check_weights(n: int, **weights: Any) -> np.ndarray:
    """Converts weights, given by the name of the argument, to a float64 vector; None to ones.

    Raises:
        ValueError: if they are not `n` finite numbers >= 0.
    """
    [(name, values)] = weights.items()
    if values is None:
        return np.ones(n)
    array = _numbers(name, values)
    if array.shape != (n,) or not np.isfinite(array).all() or (array < 0).any():
        raise ValueError(f"`{name}` must be {n} finite numbers >= 0. Received: shape {array.shape}")
    return array


def _polar(tangent: np.ndarray, distances: np.ndarray, weights: np.ndarray, flat: bool) -> DiskLayout:
    directions = _directions(tangent)
    if len(directions) <= _LANDMARKS:
        angles = _angles(directions, weights)
    else:
        chosen = np.sort(np.argsort(-weights, kind="stable")[:_LANDMARKS])
        plane = _beside(directions, directions[chosen], _angles(directions[chosen], weights[chosen]))
        angles = _spread(plane)
    low, high = float(distances.min()), float(np.quantile(distances, _QUANTILE))
    centre = max(0.0, low - 0.1 * (high - low))
    target = _RADIUS if flat else 2.0 * np.arctanh(_RADIUS)
    scale = (2.0 * _RADIUS if flat else target) / max(high - centre, 1e-12)
    if flat:
        # The edge of a Euclidean disk is not at infinity: no point may lie outside.
        scale = min(scale, 2.0 * 0.98 / max(float(distances.max()) - centre, 1e-12))
    return DiskLayout(distances, angles, centre, scale, flat)


def _directions(tangent: np.ndarray) -> np.ndarray:
    return tangent / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-300)


def _angles(directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    angles = _spread(_principal_plane(directions, np.sqrt(weights)))
    nearest = _neighbours(directions)
    for k in _NEIGHBOURS:
        # At most a quarter of all points, because the mean direction of all of them says nothing.
        k = min(k, max(1, len(directions) // 4))
        for _ in range(_ROUNDS if nearest.shape[1] else 0):
            angles = _spread(_pull(angles, nearest[:, :k]))
    return angles


def _beside(directions: np.ndarray, known: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """The sum of the unit vectors of the known directions that are nearest to each direction, as complex numbers."""
    k = min(_BESIDE, len(known))
    units = np.exp(1j * angles)
    total = np.empty(len(directions), np.complex128)
    # Half the digits are enough to find who is near.
    near = known.T.astype(np.float32)
    for start in range(0, len(directions), _BLOCK):
        cosines = directions[start : start + _BLOCK].astype(np.float32) @ near
        total[start : start + _BLOCK] = units[np.argpartition(-cosines, k - 1, axis=1)[:, :k]].sum(axis=1)
    return total


def _principal_plane(directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The two leading principal components of directions, as complex numbers."""
    weights = weights / max(float(weights.sum()), 1e-300)
    centred = directions - weights @ directions
    _, vectors = np.linalg.eigh(centred.T @ (centred * weights[:, None]))
    axes = vectors[:, :-3:-1]
    # The sign of an eigenvector is arbitrary: fix it, so that the layout is the same on every machine.
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    plane = centred @ axes
    return plane[:, 0] + 1j * plane[:, 1]


def _spread(plane: np.ndarray) -> np.ndarray:
    """Equidistant angles in the order of the arguments of complex numbers."""
    angles = np.empty(len(plane))
    angles[np.argsort(np.angle(plane), kind="stable")] = np.arange(len(plane)) * (2.0 * np.pi / len(plane))
    return angles


def _neighbours(directions: np.ndarray) -> np.ndarray:
    """The indices of the nearest other directions of each direction, nearest first, `(n, k)`."""
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
    """The sum of the unit vectors of each point's neighbours, in both directions of the relation."""
    n, k = nearest.shape
    source, target = np.repeat(np.arange(n), k), nearest.ravel()
    units = np.exp(1j * angles)
    total = np.zeros(n, np.complex128)
    for at, other in ((source, target), (target, source)):
        total += np.bincount(at, units.real[other], n) + 1j * np.bincount(at, units.imag[other], n)
    return total
