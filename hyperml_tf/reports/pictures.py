"""The pictures of a report, as SVG for light and dark pages. They need matplotlib, the extra `plots`."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperml_tf.reports.bands import ITEM_BANDS, USER_BANDS
from hyperml_tf.reports.measuring import Measured
from hyperml_tf.reports.radii import drawn_levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#2b2b33", "#9a9aa6"
ONE, OTHER, THIRD = "#4477aa", "#dd6677", "#228833"
_DARK = {INK: "#e4e4ea", FAINT: "#85858f", ONE: "#79a8dc", OTHER: "#f08a98", THIRD: "#55b86a"}
_PANEL = 3.1
# So that pictures of the same numbers are the same bytes, whatever matplotlib draws in between.
_FIXED = {"svg.hashsalt": "hyperml_tf", "svg.fonttype": "path", "font.size": 9.0, "axes.titlesize": 9.5}


def draw(measured: Measured) -> dict[str, bytes]:
    """Draws the pictures of a report.

    Args:
        measured: What was measured.

    Returns:
        SVG files by name. Pictures of what could not be measured are left out.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError('The pictures of a report need matplotlib: pip install "hyperml-tf[plots]"') from error
    painters: dict[str, Callable[[Measured], Figure | None]] = {
        "radius": _radius,
        "pairs": _pairs,
        "delta": _delta,
        "graph": _graph,
        "bands": _bands,
        "lists": _lists,
        "training": _training,
    }
    pictures = {}
    with matplotlib.rc_context(_FIXED):
        for name, painter in painters.items():
            figure = painter(measured)
            if figure is not None:
                pictures[name] = _svg(figure)
    return pictures


def _svg(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    rules = [
        f'[style*="{kind}: {light}"] {{ {kind}: {dark} !important; }}'
        for light, dark in _DARK.items()
        for kind in ("fill", "stroke")
    ]
    style = f"<style>@media (prefers-color-scheme: dark) {{ {' '.join(rules)} }}</style>"
    return file.getvalue().replace(b"<defs>", f"{style}<defs>".encode(), 1)


def _figure(panels: int, width: float = _PANEL, height: float = 2.7) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * panels, height), layout="constrained")
    axes = [figure.add_subplot(1, panels, number + 1) for number in range(panels)]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(FAINT)
        one.tick_params(colors=INK, color=FAINT)
        one.xaxis.label.set_color(INK)
        one.yaxis.label.set_color(INK)
        one.title.set_color(INK)
    return figure, axes


def _legend(axes: Axes, **options: Any) -> None:
    axes.legend(frameon=False, labelcolor=INK, fontsize=8, **options)


def _radius(measured: Measured) -> Figure | None:
    categories = measured.numbers["radius"]["categories"]
    levels = [] if categories is None else drawn_levels(categories["levels"])
    figure, axes = _figure(2 if levels else 1, 4.4, 3.0)
    trained = measured.popularity > 0
    popularity, radii = measured.popularity[trained], measured.radii[trained]
    axes[0].set_xscale("log")
    # As an image in the picture: thousands of dots would be megabytes.
    axes[0].scatter(popularity, radii, s=7, color=ONE, alpha=0.3, linewidths=0, rasterized=True)
    edges = np.unique(np.quantile(popularity, np.linspace(0, 1, 11)))
    places = np.clip(np.searchsorted(edges, popularity, "right") - 1, 0, max(0, len(edges) - 2))
    groups = [places == place for place in np.unique(places)]
    medians = [(np.median(popularity[group]), np.median(radii[group])) for group in groups]
    axes[0].plot(*np.transpose(medians), color=INK, linewidth=1.6, marker="o", markersize=3.5, label="median")
    axes[0].set(xlabel="training rows of the item", ylabel="distance from the origin")
    axes[0].xaxis.set_major_formatter("{x:g}")
    _legend(axes[0])
    if levels:
        _quartiles(axes[1], [level["depth"] for level in levels], levels)
        axes[1].set(xlabel="depth of the category", ylabel="distance from the origin")
        axes[1].locator_params(axis="x", integer=True)
    return figure


def _quartiles(axes: Axes, places: list[float], levels: list[dict[str, Any]]) -> None:
    low, middle, high = np.transpose([level["quartiles"] for level in levels])
    axes.vlines(places, low, high, color=ONE, linewidth=5, alpha=0.45, label="half of them")
    axes.plot(places, middle, color=INK, linewidth=1.2, marker="o", markersize=4, label="median")
    axes.set_ylim(0.0, 1.3 * max(float(np.max(high)), 1e-9))  # with room for the legend
    _legend(axes)


def _pairs(measured: Measured) -> Figure | None:
    pairs = measured.numbers["pairs"]
    if pairs is None:
        return None
    kinds = [name for name in ("training", "test") if name in pairs]
    figure, axes = _figure(len(kinds), 4.4)
    for one, kind in zip(axes, kinds, strict=True):
        for name, colour, label in (("distances", ONE, f"{kind} pairs"), ("unobserved", OTHER, "unobserved pairs")):
            counts = np.array(pairs[kind][name]) / pairs[kind]["pairs"]
            one.stairs(counts, pairs["edges"], color=colour, linewidth=1.4, label=label)
            one.stairs(counts, pairs["edges"], color=colour, fill=True, alpha=0.15)
        one.set(xlabel="distance of user and item", ylabel="share of pairs")
        _legend(one)
    return figure


def _delta(measured: Measured) -> Figure | None:
    delta = measured.numbers["delta"]
    if delta is None:
        return None
    rows = [(name, found) for name, found in delta.items() if found is not None][::-1]
    if not rows:
        return None
    figure, (axes,) = _figure(1, 7.0, 0.75 + 0.36 * len(rows))
    for place, (name, found) in enumerate(rows):
        colour = ONE if name in ("graph", "learned") else FAINT
        axes.plot([found["low"], found["high"]], [place, place], color=colour, linewidth=5, alpha=0.5)
        axes.plot([found["relative"]], [place], color=colour, marker="o", markersize=7)
    for value, name in ((0.0, "tree"), (0.144, "unit ball"), (1.0, "circle")):
        axes.axvline(value, color=FAINT, linewidth=0.8, linestyle=":")
        axes.text(value, len(rows) - 0.45, name, ha="center", va="bottom", fontsize=8, color=INK)
    axes.set_yticks(range(len(rows)), [_DELTA_NAMES[name] for name, _ in rows])
    axes.set(xlabel="relative delta", xlim=(-0.03, 1.05), ylim=(-0.5, len(rows) - 0.5))
    return figure


_DELTA_NAMES = {
    "graph": "item graph",
    "random graph": "random graph, same degrees",
    "learned": "learned distances",
    "learned, flat": "the same points in flat space",
}


def _graph(measured: Measured) -> Figure | None:
    agreement = measured.numbers["agreement"]
    if agreement is None:
        return None
    levels = drawn_levels([{**level, "items": level["pairs"]} for level in agreement["levels"]])
    figure, (axes,) = _figure(1, 5.2, 2.9)
    places = [level["steps"] for level in levels]
    _quartiles(axes, places, levels)
    if agreement["scale"] > 0:
        line = np.array([0.0, max(places)])
        axes.plot(line, line / agreement["scale"], color=OTHER, linewidth=1.2, linestyle="--", label="proportional")
        _legend(axes)
    axes.set(xlabel="links on the shortest path of two items", ylabel="learned distance", xlim=(0, max(places) + 0.3))
    axes.locator_params(axis="x", integer=True)
    return figure


def _bands(measured: Measured) -> Figure | None:
    answers = measured.numbers["answers"]
    if answers["model"]["test"] is None:
        return None
    figure, axes = _figure(2, 4.4)
    kinds = (("items", ITEM_BANDS, "popularity of the test item"), ("users", USER_BANDS, "activity of the user"))
    for one, (kind, names, label) in zip(axes, kinds, strict=True):
        for shift, who, colour in ((-0.2, "model", ONE), (0.2, "popularity", FAINT)):
            values = [answers[who]["test"][kind][name].get("full_ndcg@10", 0.0) for name in names]
            one.bar(np.arange(len(names)) + shift, values, 0.38, color=colour, label=who)
        one.set_xticks(range(len(names)), names)
        one.set(xlabel=label, ylabel="nDCG@10, all items")
    _legend(axes[0])
    return figure


_LISTS = {
    "coverage": "coverage",
    "novelty": "novelty in bits",
    "diversity": "distance within lists",
    "distinct_categories": "distinct categories",
    "popularity_lift": "popularity lift",
}


def _lists(measured: Measured) -> Figure | None:
    answers = measured.numbers["answers"]
    if answers["model"]["test"] is None:
        return None
    shown = [name for name in _LISTS if None not in [answers[who]["lists"][name] for who in answers]]
    if not shown:
        return None
    figure, axes = _figure(len(shown), 2.1, 2.5)
    for place, (one, name) in enumerate(zip(axes, shown, strict=True)):
        values = []
        for who, colour, marker in (("model", ONE, "o"), ("popularity", FAINT, "s")):
            point = answers[who]["lists"][name], answers[who]["test"]["all"]["full_ndcg@10"]
            one.plot(*point, color=colour, marker=marker, markersize=8, linestyle="", label=who)
            values.append(point)
        xs, ys = np.transpose(values)
        one.set(xlabel=_LISTS[name], ylim=(0, 1.25 * max(ys.max(), 1e-9)))
        margin = max(0.15 * float(np.abs(xs).max()), 1e-9)
        one.set_xlim(min(0.0, float(xs.min())) - margin, max(float(xs.max()), 0.0) + margin)
        if place:
            one.tick_params(labelleft=False)
    axes[0].set_ylabel("nDCG@10, all items")
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=2,
        frameon=False,
        labelcolor=INK,
        fontsize=8,
    )
    return figure


def _training(measured: Measured) -> Figure | None:
    history = measured.numbers["history"]
    panels = {
        "loss": {"training": "loss", "validation": "val_loss"},
        "nDCG@10 of validation rows": {"all items": "val_full_ndcg@10", "100 items": "val_sampled100_ndcg@10"},
    }
    shown = {
        title: {label: history[name] for label, name in lines.items() if name in history}
        for title, lines in panels.items()
    }
    shown = {title: lines for title, lines in shown.items() if lines}
    if not shown:
        return None
    figure, axes = _figure(len(shown), 4.4)
    for one, (title, lines) in zip(axes, shown.items(), strict=True):
        for (label, values), colour in zip(lines.items(), (ONE, OTHER), strict=False):
            numbers = np.array(values, np.float64)
            one.plot(np.arange(1, len(numbers) + 1), numbers, color=colour, label=label, marker="o", markersize=3)
        one.set(xlabel="epoch", ylabel=title)
        one.locator_params(axis="x", integer=True)
        _legend(one)
    return figure
