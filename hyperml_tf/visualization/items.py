"""Plots of trained models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hyperml_tf._argument_checks import check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.models import HyperML
from hyperml_tf.visualization.disk import plot_disk
from hyperml_tf.visualization.item_columns import checked_columns, column_facets, group_names, label_column, telling
from hyperml_tf.visualization.layout import check_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@names_arguments
def plot_items(
    model: HyperML,
    popularity: Any,
    path: str | os.PathLike[str] | None = None,
    items: Mapping[str, Sequence[str]] | None = None,
    label: str | None = None,
    colour: str | None = None,
    title: str | None = "Items of the learned space",
    max_points: int = 5000,
) -> Figure:
    """Plots the items of a trained model on the disk, sized by popularity.

    Args:
        model: the model.
        popularity: `(n_items,)` weights, such as the number of interactions of each item (`Interactions.popularity`), in
            the order of the model's candidates.
        path: the file to save the plot to, as in `plot_disk`. Defaults to None, which saves nothing.
        items: columns of the items, such as titles and categories: texts by the name of the column, each in the order of the
            model's candidates. Parts of a value may have `|` between them, as in a path of categories. Defaults to None.
        label: the name of the column by which items are called; the names of the most popular items are drawn. Defaults to None:
            a column "title" or "name", if there is one.
        colour: the name of the column by which items are coloured: by the most general part of paths in which they differ, and by
            intervals of numbers. Defaults to None: the first column whose groups tell items apart, or else
            their popularity.
        title: the title above the plot. Defaults to "Items of the learned space".
        max_points: the largest number of items drawn, the most popular first, at least 1. Defaults to 5000.

    Returns:
        The `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is not installed.
        ValueError: if an argument does not match the candidates of the model.

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u", "u", "v"], ["a", "b", "c"])
    >>> figure = plot_items(HyperML.from_interactions(table, dim=8), table.popularity())
    """
    check_instance(HyperML, model=model)
    columns = checked_columns(items, len(model.candidate_tower))
    name = label_column(columns, label)
    facets = column_facets(columns, name, colour)
    best = telling(facets, colour)
    return plot_disk(
        model.candidate_tower.all_points().numpy(),
        weights=check_weights(len(model.candidate_tower), popularity=popularity),
        labels=columns[name] if name is not None else None,
        groups=group_names(facets[best]) if best is not None else None,
        curvature=float(model.curvature()),
        path=path,
        title=title,
        max_points=max_points,
    )
