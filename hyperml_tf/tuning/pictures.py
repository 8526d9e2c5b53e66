"""Pictures of a search. They need matplotlib and plotly, the extra `plots`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperml_tf.tuning.analysis import Effect, effects, trials_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DOT, _BEST, _INK = "#4477aa", "#ee6677", "#2b2b33"
_COLUMNS, _TICKS = 3, 5
# The width of a character of a label, as a share of the axis.
_CHARACTER = 0.027


def draw_search(oracle: Any, picture: Path, page: Path) -> None:
    """Draws what mattered in a search.

    The picture has a panel for each hyperparameter, the most important first: every trial as a dot, and the partial dependence of
    the score. The page shows all trials in parallel coordinates, in which ranges can be selected with the mouse; it needs no
    network.

    Args:
        oracle: The oracle of a search with at least one completed trial.
        picture: The path of the PNG, SVG or PDF file to write.
        page: The path of the HTML file to write.

    Raises:
        ImportError: If matplotlib or plotly is not installed.
    """
    try:
        import matplotlib  # noqa: F401
        import plotly  # noqa: F401
    except ImportError as error:
        raise ImportError('Pictures of a search need matplotlib and plotly: pip install "hyperml-tf[plots]"') from error
    table = trials_table(oracle)
    table = table[table["status"] == "completed"].reset_index(drop=True)
    found = effects(oracle, table)
    _draw_panels(found, table["score"], oracle.objective.name, picture)
    _write_page(found, table["score"], oracle.objective, page)


def _draw_panels(found: list[Effect], scores: pd.Series, objective: str, path: Path) -> None:
    from matplotlib.figure import Figure

    rows = max(1, math.ceil(len(found) / _COLUMNS))
    figure = Figure(figsize=(4 * _COLUMNS, 2.9 * rows + 0.6), layout="constrained")
    figure.suptitle(f"{len(scores)} trials: {objective}, best {scores[0]:.4f}", color=_INK)
    for place, one in enumerate(found, start=1):
        _draw_panel(figure.add_subplot(rows, _COLUMNS, place), one, scores)
    figure.savefig(path, dpi=120)


def _draw_panel(axes: Axes, one: Effect, scores: pd.Series) -> None:
    if one.log:
        axes.set_xscale("log")
    axes.scatter(one.values[1:], scores[1:], s=22, color=_DOT, alpha=0.7, linewidths=0)
    axes.scatter(one.values[:1], scores[:1], s=60, color=_BEST, marker="*", zorder=3)
    marker = "o" if len(one.grid) < 10 else ""
    axes.plot(one.grid, one.dependence, color=_INK, linewidth=1.5, marker=marker, markersize=4)
    if one.labels:
        axes.set_xticks(np.arange(len(one.labels)), one.labels)
    elif one.log:
        ticks = _log_ticks(one.values)
        axes.set_xticks(ticks, [_label(tick) for tick in ticks])
        axes.minorticks_off()
    share = "" if math.isnan(one.importance) else f", {one.importance:.0%}"
    axes.set_title(f"{one.name}{share}", fontsize=10, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)


def _write_page(found: list[Effect], scores: pd.Series, objective: Any, path: Path) -> None:
    from plotly import graph_objects

    axes = [*map(_parallel_axis, found), {"label": objective.name, "values": scores}]
    line = {"color": scores, "colorscale": "Viridis", "reversescale": objective.direction == "min", "showscale": True}
    figure = graph_objects.Figure(graph_objects.Parcoords(dimensions=axes, line=line))
    order = ", ".join(one.name for one in found)
    figure.update_layout(title=f"{len(scores)} trials. The most important first: {order}", margin={"t": 110, "l": 90})
    path.write_text(figure.to_html(include_plotlyjs=True, full_html=True), encoding="utf-8")


def _parallel_axis(one: Effect) -> dict[str, Any]:
    """Returns an axis of plotly's parallel coordinates, which cannot be logarithmic or have labels by themselves."""
    values = np.where(np.isnan(one.values), np.nanmedian(one.values), one.values)
    axis: dict[str, Any] = {"label": one.name, "values": np.log10(values) if one.log else values}
    if one.labels:
        axis |= {"tickvals": list(range(len(one.labels))), "ticktext": list(one.labels)}
    elif one.log:
        ticks = _log_ticks(values)
        axis |= {"tickvals": np.log10(ticks).tolist(), "ticktext": [f"{tick:.3g}" for tick in ticks]}
    return axis


def _log_ticks(values: np.ndarray) -> np.ndarray:
    """Returns a few values: those that occur, if their labels do not overlap, or else as many at equal ratios."""
    exact = np.unique(values[~np.isnan(values)])
    widths = np.array([len(_label(tick)) for tick in exact])
    gaps = np.diff(np.log(exact)) / max(np.log(exact[-1] / exact[0]), 1e-12)
    fit = bool(np.all(gaps >= _CHARACTER * ((widths[1:] + widths[:-1]) / 2 + 1.5)))
    return exact if len(exact) <= _TICKS and fit else np.geomspace(exact[0], exact[-1], _TICKS)


def _label(tick: float) -> str:
    return f"{tick:.2g}" if tick < 100 else f"{tick:.0f}"
