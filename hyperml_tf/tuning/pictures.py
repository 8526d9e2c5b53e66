"""Pictures of a search. They need matplotlib and plotly, the extra `plots`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hyperml_tf.tuning.importance import Effect, effects
from hyperml_tf.tuning.trials_table import trials_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MISSING = 'Pictures of a search need matplotlib and plotly: pip install "hyperml-tf[plots]"'
_DOT, _BEST, _LINE, _INK = "#4477aa", "#ee6677", "#2b2b33", "#2b2b33"
_COLUMNS, _TICKS = 3, 5


def draw_search(oracle: Any, picture: Path | None = None, page: Path | None = None) -> None:
    """Draws what mattered in a search.

    The picture has a panel a hyperparameter, those that mattered most first: every trial as a dot, and the mean score that a
    random forest of the trials expects at each value (its partial dependence). The page has all trials as parallel coordinates,
    where ranges can be marked with the mouse; it needs no network.

    Args:
        oracle: the oracle of a search with at least one completed trial.
        picture: the PNG, SVG or PDF to write; none if None.
        page: the HTML to write; none if None.

    Raises:
        ImportError: if matplotlib or plotly is missing.
    """
    table = trials_table(oracle)
    table = table[table["status"] == "completed"].reset_index(drop=True)
    found = effects(oracle, table)
    if picture is not None:
        _draw_panels(found, table["score"].to_numpy(), oracle.objective, picture)
    if page is not None:
        _write_page(found, table, oracle.objective, page)


def _draw_panels(found: list[Effect], scores: np.ndarray, objective: Any, path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(_MISSING) from error
    rows = max(1, math.ceil(len(found) / _COLUMNS))
    figure = Figure(figsize=(4 * _COLUMNS, 2.9 * rows + 0.6), layout="constrained")
    figure.suptitle(
        f"{len(scores)} trials: {objective.name}, best {scores[0] if len(scores) else math.nan:.4f}", color=_INK
    )
    for place, one in enumerate(found):
        _draw_panel(figure.add_subplot(rows, _COLUMNS, place + 1), one, scores)
    figure.savefig(path, dpi=120)


def _draw_panel(axes: Axes, one: Effect, scores: np.ndarray) -> None:
    if one.log:
        axes.set_xscale("log")
    axes.scatter(one.values[1:], scores[1:], s=22, color=_DOT, alpha=0.7, linewidths=0)
    axes.scatter(one.values[:1], scores[:1], s=60, color=_BEST, marker="*", zorder=3)
    if len(one.grid):
        axes.plot(
            one.grid, one.dependence, color=_LINE, linewidth=1.5, marker="o" if len(one.grid) < 10 else "", markersize=4
        )
    if one.words:
        axes.set_xticks(np.arange(len(one.words)), one.words)
    elif one.log:
        ticks = _log_ticks(one.values)
        axes.set_xticks(ticks, [f"{tick:.2g}" if tick < 100 else f"{tick:.0f}" for tick in ticks])
        axes.minorticks_off()
    share = "" if math.isnan(one.importance) else f", {one.importance:.0%}"
    axes.set_title(f"{one.name}{share}", fontsize=10, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)


def _write_page(found: list[Effect], table: pd.DataFrame, objective: Any, path: Path) -> None:
    try:
        from plotly import graph_objects
    except ImportError as error:
        raise ImportError(_MISSING) from error
    scores = table["score"].to_numpy()
    dimensions = [_dimension(one) for one in found]
    dimensions.append({"label": objective.name, "values": scores})
    line = {"color": scores, "colorscale": "Viridis", "reversescale": objective.direction == "min", "showscale": True}
    figure = graph_objects.Figure(graph_objects.Parcoords(dimensions=dimensions, line=line))
    order = ", ".join(one.name for one in found)
    figure.update_layout(
        title=f"{len(scores)} trials. From what mattered most to what mattered least: {order}",
        margin={"t": 110, "l": 90},
    )
    path.write_text(figure.to_html(include_plotlyjs=True, full_html=True), encoding="utf-8")


def _dimension(one: Effect) -> dict[str, Any]:
    """An axis of the parallel coordinates; they know no logarithmic ones."""
    known = ~np.isnan(one.values)
    values = np.where(known, one.values, np.nanmedian(one.values))
    if one.words:
        return {
            "label": one.name,
            "values": values,
            "tickvals": list(range(len(one.words))),
            "ticktext": list(one.words),
        }
    if not one.log:
        return {"label": one.name, "values": values}
    ticks = _log_ticks(values)
    return {
        "label": one.name,
        "values": np.log10(values),
        "tickvals": np.log10(ticks).tolist(),
        "ticktext": [f"{tick:.3g}" for tick in ticks],
    }


def _log_ticks(values: np.ndarray) -> np.ndarray:
    """A few values: those there are, if their labels do not run into each other, or else as many in equal proportions."""
    exact = np.unique(values[~np.isnan(values)])
    places = np.log(exact)
    apart = np.diff(places).min(initial=np.inf) >= (places[-1] - places[0]) / (2 * _TICKS)
    return exact if len(exact) <= _TICKS and apart else np.geomspace(exact[0], exact[-1], _TICKS)
