"""The distance of items from the origin, against their popularity and the depth of their categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyperml_tf.data import ItemTable
from hyperml_tf.data.categories import Categories
from hyperml_tf.reports.bands import ITEM_BANDS, item_bands
from hyperml_tf.reports.correlation import partial_spearman, spearman

_EXTREMES = 8
_FEW = 20


def measure_radii(
    radii: np.ndarray, popularity: np.ndarray, items: ItemTable | None, categories: Categories | None
) -> dict[str, Any]:
    """Returns how radii are distributed, and how they go with popularity and depth.

    Items without training rows are left out: they are where they were drawn at the start.

    Args:
        radii: Distances from the origin, `(n_items,)`.
        popularity: Number of training rows of each item, `(n_items,)`.
        items: Optional `ItemTable`, for the names of the items with the smallest and the largest radius.
        categories: Optional `Categories`.
    """
    trained = np.flatnonzero(popularity > 0)
    rows = radii[trained]
    found: dict[str, Any] = {
        "items": len(trained),
        "left_out": len(radii) - len(trained),
        "quartiles": [float(value) for value in np.quantile(rows, (0.25, 0.5, 0.75))],
        "largest": float(rows.max()),
        "popularity": spearman(rows, popularity[trained]),
        "bands": _by_band(rows, popularity[trained]),
        "categories": None if categories is None else _by_depth(radii, popularity, trained, categories),
    }
    order = trained[np.argsort(rows, kind="stable")]
    for name, chosen in (("nearest", order[:_EXTREMES]), ("farthest", order[::-1][:_EXTREMES])):
        found[name] = [
            {"item": code, "radius": float(radii[code]), "rows": int(popularity[code])} for code in chosen.tolist()
        ]
        for entry in found[name]:
            code = entry["item"]
            entry["item"] = None if items is None else items.item_ids.tolist()[code]
            entry["details"] = {} if items is None else {column: text[code] for column, text in items.columns.items()}
    return found


def _by_band(radii: np.ndarray, popularity: np.ndarray) -> dict[str, float | None]:
    bands = item_bands(popularity)
    inside = {name: radii[bands == number] for number, name in enumerate(ITEM_BANDS)}
    return {name: float(np.median(values)) if len(values) else None for name, values in inside.items()}


def _by_depth(radii: np.ndarray, popularity: np.ndarray, trained: np.ndarray, categories: Categories) -> dict[str, Any]:
    found: dict[str, Any] = {
        "column": categories.column,
        "is_hierarchy": categories.is_hierarchy,
        "general_first": categories.general_first(),
        "depth": None,
        "given_popularity": None,
        "levels": [],
    }
    if not categories.is_hierarchy:
        return found
    depths = categories.depths()
    known = trained[depths[trained] > 0]
    found["depth"] = spearman(radii[known], depths[known])
    others = spearman(radii[known], popularity[known]), spearman(depths[known], popularity[known])
    if found["depth"] is not None and None not in others:
        values = (found["depth"], *others)
        found["given_popularity"] = partial_spearman(*(value["spearman"] for value in values if value is not None))
    for depth in np.unique(depths[known]).tolist():
        level = radii[known][depths[known] == depth]
        quartiles = [float(value) for value in np.quantile(level, (0.25, 0.5, 0.75))]
        found["levels"].append({"depth": depth, "items": len(level), "quartiles": quartiles})
    return found


def drawn_levels(levels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the levels with enough items to be drawn."""
    return [level for level in levels if level["items"] >= _FEW] or levels
