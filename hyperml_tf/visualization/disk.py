"""Plots of points on the disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperml_tf._argument_checks import as_path, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.visualization.layout import DiskLayout, check_points, check_weights, disk_layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

INK, FAINT, PAPER = "#2b2b33", "#c9c9d2", "#fbfbfd"
_PALETTE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#117766")
_OTHER = "#b9b9c2"
_DPI = 180
# Candidates per label, and the pixels around one: labels are spread over the disk.
_TRIED, _ROOM = 30, 6


@names_arguments
def plot_disk(
    points: Any,
    weights: Any = None,
    labels: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    curvature: float = 1.0,
    path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    max_points: int = 5000,
    max_labels: int = 24,
    weight_name: str = "interactions",
) -> Figure:
    """Plots points of the ball on a disk, sized by weight, and coloured by group or by weight.

    `disk_layout` describes how points of more than two dimensions are mapped to the disk, and how to read the plot.

    Args:
        points: `(n, dim)` points of the ball.
        weights: `(n,)` weights >= 0, such as the popularity of items. Defaults to None, equal weights.
        labels: `(n,)` labels. Those of the points with the largest weights are drawn, where there is room. Defaults to None.
        groups: `(n,)` categories. The eight largest are coloured and in the legend, the others are grey. Defaults to None,
            which colours by weight.
        curvature: the curvature of the ball, >= 0. At 0 the plot is a Euclidean plane. Defaults to 1.
        path: the file to save the plot to, PNG, SVG or PDF by its suffix. Missing directories are created. Defaults to None,
            which saves nothing.
        title: the title above the plot. Defaults to None.
        max_points: the largest number of points drawn, those with the largest weights, at least 1. Defaults to 5000.
        max_labels: the largest number of labels drawn. Defaults to 24.
        weight_name: the name of the weights in the legend. Defaults to "interactions".

    Returns:
        The `matplotlib.figure.Figure`. It is not registered with pyplot, so it need not be closed.

    Raises:
        ImportError: if matplotlib is not installed.
        ValueError: if an argument does not match `points`, or a point lies outside the ball.

    Example:

    >>> figure = plot_disk([[0.0, 0.5], [0.3, 0.0]], weights=[10, 3], labels=["a", "b"])
    >>> figure.savefig("disk.svg")  # doctest: +SKIP
    """
    array = check_points(curvature, points=points)
    sizes = check_weights(len(array), weights=weights)
    for name, values in (("labels", labels), ("groups", groups)):
        if values is not None and (not hasattr(values, "__len__") or len(values) != len(array)):
            received = len(values) if hasattr(values, "__len__") else repr(values)
            raise ValueError(f"`{name}` must have one entry per point, {len(array)}. Received: {received}")
    count(max_points=max_points)
    figure, axes = _canvas()
    # In ascending order of weight, so that the largest are drawn on top; ties keep their order.
    chosen = np.argsort(-sizes, kind="stable")[:max_points][::-1]
    layout = disk_layout(array[chosen], sizes[chosen], curvature)
    areas = _areas(sizes[chosen])
    rings = _background(axes, layout)
    if groups is not None:
        _draw_groups(axes, layout, areas, [str(groups[i]) for i in chosen])
    else:
        _draw_weights(figure, axes, layout, areas, sizes[chosen], weight_name if weights is not None else None)
    if labels is not None:
        _draw_labels(axes, layout, [str(labels[i]) for i in chosen], max_labels, rings)
    _captions(axes, layout, title, len(chosen), len(array), array.shape[1])
    if path is not None:
        as_path(path=path).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DPI, facecolor="white")
    return figure


def _canvas() -> tuple[Figure, Axes]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('Plots need matplotlib: pip install "hyperml-tf[plots]"') from error
    # Not pyplot, which keeps every figure in global state until it is closed.
    figure = Figure(figsize=(7.2, 7.6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.05, 0.09, 0.9, 0.9 * 7.2 / 7.6))
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_xlim(-1.04, 1.04)
    axes.set_ylim(-1.04, 1.04)
    return figure, axes


def _areas(weights: np.ndarray) -> np.ndarray:
    """Marker areas in square points: a minimum plus a part in proportion to the weight, smaller where there are many points."""
    crowd = np.clip(40.0 / np.sqrt(len(weights)), 0.45, 3.0)
    if weights.min() == weights.max():
        return np.full(len(weights), 18.0 * crowd)
    return crowd * (3.0 + 110.0 * weights / weights.max())


def _background(axes: Axes, layout: DiskLayout) -> list[Text]:
    """Draws the disk and its rings, and returns the texts on the rings."""
    from matplotlib.patches import Circle

    axes.add_patch(Circle((0, 0), 1.0, facecolor=PAPER, edgecolor="none", zorder=0))
    texts = []
    for distance in _rings(layout):
        radius = float(layout.radius(distance))
        axes.add_patch(Circle((0, 0), radius, fill=False, edgecolor=FAINT, linewidth=0.7, zorder=1))
        text = axes.text(
            0,
            radius,
            f"{distance:g}",
            fontsize=7,
            color="#6d6d78",
            ha="center",
            va="center",
            zorder=6,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85},
        )
        texts.append(text)
    axes.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=INK, linewidth=1.1, zorder=5))
    return texts


def _rings(layout: DiskLayout) -> list[float]:
    """Up to six round distances whose rings are not too close to each other or to the edge."""
    last = float(layout.distances.max())
    span = last - layout.centre
    if span <= 0:
        return []
    unit = 10.0 ** np.floor(np.log10(span))
    step = next(unit * part for part in (0.2, 0.5, 1.0, 2.0) if span / (unit * part) <= 6)
    first = np.floor(layout.centre / step) + 1
    distances = np.round(np.arange(first, np.floor(last / step) + 1) * step, 10)
    rings: list[float] = []
    previous = 0.0
    for distance in distances:
        radius = float(layout.radius(distance))
        if radius - previous > 0.06 and 1.0 - radius > 0.03:
            rings.append(float(distance))
            previous = radius
    return rings


def _draw_weights(
    figure: Figure, axes: Axes, layout: DiskLayout, areas: np.ndarray, weights: np.ndarray, name: str | None
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    xy = layout.xy()
    if name is None or not weights.max() > 0:
        axes.scatter(xy[:, 0], xy[:, 1], s=areas, c=_PALETTE[0], alpha=0.75, linewidths=0, zorder=3)
        return
    positive = weights[weights > 0]
    low, high = float(positive.min()), float(positive.max())
    colours = LinearSegmentedColormap.from_list("ink", colormaps["magma_r"](np.linspace(0.18, 0.92, 256)))
    norm = LogNorm(low, high if high > low else low * 1.01)
    drawn = axes.scatter(
        xy[:, 0],
        xy[:, 1],
        s=areas,
        c=np.maximum(weights, low),
        cmap=colours,
        norm=norm,
        alpha=0.85,
        linewidths=0.25,
        edgecolors="white",
        zorder=3,
    )
    bar = figure.colorbar(drawn, cax=figure.add_axes((0.66, 0.065, 0.29, 0.013)), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_alpha(1.0)
    bar.ax.minorticks_off()
    bar.ax.tick_params(labelsize=7, length=2, colors=INK)
    bar.ax.xaxis.set_major_formatter("{x:g}")
    bar.ax.set_title(name, fontsize=8, color=INK, pad=3)


def _draw_groups(axes: Axes, layout: DiskLayout, areas: np.ndarray, groups: list[str]) -> None:
    from matplotlib.lines import Line2D

    names, counts = np.unique(groups, return_counts=True)
    largest = [str(name) for name in names[np.argsort(-counts, kind="stable")]]
    shown = largest if len(largest) <= len(_PALETTE) else largest[: len(_PALETTE)]
    colour_of = dict(zip(shown, _PALETTE, strict=False))
    colours = [colour_of.get(group, _OTHER) for group in groups]
    xy = layout.xy()
    axes.scatter(xy[:, 0], xy[:, 1], s=areas, c=colours, alpha=0.8, linewidths=0.25, edgecolors="white", zorder=3)
    entries = [*colour_of.items(), *([("other", _OTHER)] if len(largest) > len(shown) else [])]
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=5, color=colour, label=_short(name, 20))
        for name, colour in entries
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(0.97, 0.008),
        bbox_transform=axes.figure.transFigure,
        ncols=min(3, len(handles)),
        fontsize=7.5,
        frameon=False,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=1.1,
    )


def _short(text: str, longest: int = 28) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _draw_labels(axes: Axes, layout: DiskLayout, labels: list[str], most: int, rings: list[Text]) -> None:
    """Labels points in descending order of weight, but for labels that would be too close to others or to those of rings."""
    from matplotlib.patheffects import withStroke

    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    taken: list[Any] = [text.get_window_extent(renderer) for text in rings]
    xy = layout.xy()
    for index in range(len(labels) - 1, max(-1, len(labels) - 1 - _TRIED * most), -1):
        if len(taken) - len(rings) >= most:
            return
        text = axes.annotate(
            _short(labels[index]),
            tuple(xy[index]),
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=7.5,
            color=INK,
            zorder=7,
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )
        box = text.get_window_extent(renderer).padded(_ROOM)
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)


def _captions(axes: Axes, layout: DiskLayout, title: str | None, drawn: int, n: int, dim: int) -> None:
    figure = axes.figure
    if title:
        figure.text(0.05, 0.962, title, fontsize=12, color=INK, weight="bold")
    lines = [f"{drawn:,} of {n:,} points" if drawn < n else f"{n:,} points"]
    if dim > 2:
        centre = f"; the centre is {layout.centre:.2g}" if layout.centre > 0 else ""
        lines = [f"{lines[0]} of a space of {dim} dimensions"]
        lines.append(f"rings: distance from the origin{centre}")
        lines.append("angle: neighbours side by side")
    else:
        lines.append("rings: distance from the origin")
    figure.text(0.05, 0.02, "\n".join(lines), fontsize=7.5, color="#6d6d78", linespacing=1.4)
