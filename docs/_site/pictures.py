"""A picture per operation of the Poincaré disk, computed by the functions of the package."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes

from hyperml_tf.geometry import poincare

INK, BLUE, ORANGE, GREEN, GREY = "#333333", "#3f51b5", "#e07b00", "#2e8b57", "#9a9a9a"

_STYLE = {"svg.fonttype": "path", "svg.hashsalt": "hyperml_tf", "font.size": 11, "mathtext.fontset": "cm"}


def draw_all() -> dict[str, bytes]:
    """Returns the SVG of every picture, by its name."""
    drawn = {}
    for name, draw in PICTURES.items():
        with plt.rc_context(_STYLE):
            figure = draw()
            file = io.BytesIO()
            figure.savefig(file, format="svg", bbox_inches="tight", facecolor="white", metadata={"Date": None})
            plt.close(figure)
        drawn[name] = file.getvalue()
    return drawn


def ball() -> plt.Figure:
    """Steps of equal length from the centre, along a ray and along circles."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.1))
    _disk(left)
    for distance in range(1, 7):
        radius = np.tanh(distance / 2)
        left.add_patch(plt.Circle((0, 0), radius, fill=False, color=GREY, lw=0.8))
        if distance <= 4:
            left.annotate(
                f"{distance}", (0, radius), ha="center", va="center", fontsize=9, color=INK, backgroundcolor="w"
            )
    left.set_title("distance 1, 2, 3, ... from the centre")
    _disk(right)
    _draw_tree(right, np.zeros(2), 0.0, 2 * np.pi, 1.3, 5)
    right.set_title("a tree with edges of equal length")
    return figure


def distance() -> plt.Figure:
    """Pairs that look equally far apart are farther apart near the boundary."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 4.1), gridspec_kw={"width_ratios": [1, 1.1]})
    _disk(left)
    for radius, place in ((0.0, 0.03), (0.5, 0.05), (0.8, 0.06)):
        pair = np.array([[-0.1, -radius], [0.1, -radius]])
        left.plot(*pair.T, "o-", color=BLUE, ms=4)
        apart = float(poincare.distance(pair[0], pair[1], 1.0))
        left.annotate(f"$d = {apart:.2f}$", (0.13, -radius + place - 0.06), color=INK)
    left.set_title("pairs that look equally far apart")
    for c, colour in ((1.0, BLUE), (0.3, GREEN), (0.0, GREY)):
        radius = np.linspace(0, min(2.0, 0.9999 / max(c, 0.1) ** 0.5), 400)
        points = np.stack([radius, np.zeros_like(radius)], axis=1)
        right.plot(radius, poincare.distance0(points, c), color=colour, label=f"$c = {c:g}$")
    right.set(xlabel="$|x|$", ylabel="$d(0, x)$", title="distance from the origin", ylim=(0, 10))
    right.legend(frameon=False)
    _open(right)
    return figure


def mobius_add() -> plt.Figure:
    """`x (+) y` for all points of a grid: the whole disk moves."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.1))
    x = np.array([0.5, 0.2])
    for axes, move, title in ((left, np.zeros(2), "a grid, and $x$"), (right, x, r"$x \oplus$ every point of it")):
        _disk(axes)
        for line in _grid():
            axes.plot(*_add(move, line).T, color=GREY, lw=0.8)
        axes.plot(*_add(move, np.zeros((1, 2))).T, "o", color=INK)
        axes.set_title(title)
    left.plot(*x, "o", color=ORANGE)
    left.annotate("$x$", (0.54, 0.22))
    left.annotate("$0$", (0.03, -0.1))
    right.annotate(r"$x \oplus 0 = x$", (0.54, 0.22))
    return figure


def exp_and_log() -> plt.Figure:
    """Arrows at the origin and at another point, and where `expmap` takes them."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.1))
    for axes, base, title in ((left, np.zeros(2), "$\\exp_0(v)$"), (right, np.array([0.45, 0.35]), "$\\exp_x(v)$")):
        _disk(axes)
        for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            v = 0.5 * np.array([np.cos(angle), np.sin(angle)]) * (1 if not base.any() else (1 - base @ base))
            steps = np.linspace(0, 1, 40)[:, np.newaxis] * v
            path = np.asarray(poincare.expmap(np.broadcast_to(base, steps.shape), steps, 1.0))
            axes.plot(*path.T, color=BLUE, lw=1.2)
            axes.plot(*path[-1], "o", color=BLUE, ms=4)
            axes.annotate("", base + v, base, arrowprops={"arrowstyle": "->", "color": ORANGE, "lw": 1})
        axes.plot(*base, "o", color=INK)
        axes.set_title(title + ": arrows, and where they lead")
    right.annotate("$x$", (0.5, 0.43))
    return figure


def geodesics() -> plt.Figure:
    """Shortest paths between points: arcs that bend towards the origin."""
    figure, axes = plt.subplots(figsize=(4.1, 4.1))
    _disk(axes)
    pairs = [
        ((-0.85, -0.35), (0.75, -0.5)),
        ((-0.2, 0.9), (0.88, 0.25)),
        ((-0.6, 0.1), (0.5, 0.12)),
        ((-0.75, 0.5), (0.3, -0.88)),
    ]
    for start, end in pairs:
        path = _geodesic(np.array(start), np.array(end))
        axes.plot(*path.T, color=BLUE)
        axes.plot(*path[[0, -1]].T, "o", color=INK, ms=4)
    axes.set_title("shortest paths")
    return figure


def gyromidpoint() -> plt.Figure:
    """The weighted midpoint of three points."""
    figure, axes = plt.subplots(figsize=(4.1, 4.1))
    _disk(axes)
    points = np.array([[-0.8, 0.3], [0.6, 0.6], [0.5, -0.7]])
    for weights, colour, label in (
        ([1.0, 1.0, 1.0], GREEN, "equal weights"),
        ([1.0, 1.0, 6.0], ORANGE, "weights 1, 1, 6"),
    ):
        middle = np.asarray(poincare.gyromidpoint(points, 1.0, np.array(weights)))
        for point in points:
            axes.plot(*_geodesic(middle, point).T, color=colour, lw=0.8)
        axes.plot(*middle, "o", color=colour, label=label)
    axes.plot(*points.T, "o", color=INK)
    axes.legend(frameon=False, loc="lower left", fontsize=9)
    axes.set_title("gyromidpoints")
    return figure


def two_modes() -> plt.Figure:
    """The same gradient in both modes: what a step does near the origin and far from it."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.1))
    target = np.array([0.0, 0.9])
    for axes, title in ((left, "tangent mode"), (right, "direct mode")):
        _disk(axes)
        axes.plot(*target, "*", color=ORANGE, ms=12)
        angles = np.linspace(-0.9, 0.9, 7) * np.pi / 2 - np.pi / 2
        starts = 0.82 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        axes.plot(*_descend(starts, target, tangent=axes is left), ".-", color=BLUE, ms=4, lw=0.8)
        axes.plot(*starts.T, "o", color=INK, ms=4)
        axes.set_title(f"{title}: 12 steps towards the star")
    return figure


def curvature_and_trees() -> plt.Figure:
    """How well trees of growing depth fit into a plane of each curvature."""
    figure, axes = plt.subplots(figsize=(5.6, 3.8))
    curvatures = np.array([0.0, 0.1, 0.3, 1.0, 2.0, 4.0])
    for depth, colour in ((3, GREY), (5, GREEN), (7, BLUE)):
        axes.plot(
            curvatures, [_tree_distortion(depth, c) for c in curvatures], "o-", color=colour, label=f"depth {depth}"
        )
    axes.set(xlabel="curvature $c$", ylabel="distance in the plane / in the tree", ylim=(0, 1.02))
    axes.set_title("mean over pairs of leaves of binary trees")
    axes.legend(frameon=False, loc="lower right")
    _open(axes)
    return figure


PICTURES: dict[str, Callable[[], plt.Figure]] = {
    "ball": ball,
    "distance": distance,
    "mobius_add": mobius_add,
    "exp_and_log": exp_and_log,
    "geodesics": geodesics,
    "gyromidpoint": gyromidpoint,
    "two_modes": two_modes,
    "curvature_and_trees": curvature_and_trees,
}


def _disk(axes: Axes) -> None:
    axes.add_patch(plt.Circle((0, 0), 1, facecolor="#f6f6fb", edgecolor=INK, lw=1.2))
    axes.set(xlim=(-1.03, 1.03), ylim=(-1.03, 1.03), aspect="equal")
    axes.axis("off")


def _open(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _add(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.asarray(poincare.mobius_add(np.broadcast_to(x, points.shape), points, 1.0))


def _geodesic(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    steps = np.linspace(0, 1, 60)[:, np.newaxis]
    direction = np.asarray(poincare.logmap(start, end, 1.0))
    return np.asarray(poincare.expmap(np.broadcast_to(start, (60, 2)), steps * direction, 1.0))


def _grid() -> list[np.ndarray]:
    along = np.linspace(-0.97, 0.97, 120)
    lines = []
    for place in np.linspace(-0.8, 0.8, 9):
        inside = along[along**2 + place**2 < 0.96**2]
        lines += [
            np.stack([inside, np.full_like(inside, place)], 1),
            np.stack([np.full_like(inside, place), inside], 1),
        ]
    return lines


def _draw_tree(axes: Axes, point: np.ndarray, begin: float, end: float, edge: float, depth: int) -> None:
    """Draws a tree from `point`: children at distance `edge` in the sector of the angles, seen from the parent."""
    axes.plot(*point, "o", color=BLUE, ms=1.5 + 0.7 * depth)
    if depth == 0:
        return
    children = 3 if begin == 0 and end == 2 * np.pi else 2
    bounds = np.linspace(begin, end, children + 1)
    for low, high in itertools.pairwise(bounds):
        angle = (low + high) / 2
        step = np.tanh(edge / 2) * np.array([np.cos(angle), np.sin(angle)])
        child = np.asarray(poincare.mobius_add(point, step, 1.0))
        axes.plot(*_geodesic(point, child).T, color=GREY, lw=0.8)
        # Seen from the child, its own children lie in front of it.
        _draw_tree(axes, child, angle - np.pi / 2.8, angle + np.pi / 2.8, edge, depth - 1)


def _descend(
    points: np.ndarray, target: np.ndarray, tangent: bool, steps: int = 11, length: float = 0.35
) -> np.ndarray:
    """Steps of about a given length down the gradient of the distance, `(2, 1 + steps, points)`."""
    path = [points]
    for _ in range(steps):
        if tangent:
            v = tf.Variable(poincare.logmap0(path[-1], 1.0))
            with tf.GradientTape() as tape:
                apart = poincare.distance(poincare.expmap0(v, 1.0), target, 1.0)
            downhill = -np.asarray(tape.gradient(apart, v))
            step = length / 2 * downhill / np.linalg.norm(downhill, axis=1, keepdims=True)
            path.append(np.asarray(poincare.expmap0(v + step, 1.0)))
        else:
            apart = np.asarray(poincare.distance(path[-1], target, 1.0))[:, np.newaxis]
            step = np.asarray(poincare.logmap(path[-1], target, 1.0)) * length / apart
            path.append(np.asarray(poincare.expmap(path[-1], step, 1.0)))
    return np.stack(path).transpose(2, 0, 1)


def _tree_distortion(depth: int, c: float) -> float:
    """The mean ratio of distances in the plane and in a binary tree that is drawn in it, over pairs of leaves."""
    points, angles, spread = np.zeros((1, 2)), np.zeros(1), np.pi
    for _ in range(depth):
        angles = (angles[:, np.newaxis] + spread / 2 * np.array([-1, 1])).ravel()
        step = np.asarray(poincare.expmap0(0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1), c))
        points = np.asarray(poincare.mobius_add(points.repeat(2, axis=0), step, c))
        spread = np.pi / 2
    codes = np.arange(2**depth)
    different = codes[:, np.newaxis] ^ codes
    pairs = different > 0
    # Two leaves part where the highest bit of their codes differs.
    in_tree = 2.0 * (np.floor(np.log2(different[pairs])) + 1)
    return float(np.mean(np.asarray(poincare.pairwise_distance(points, points, c))[pairs] / in_tree))
