"""Plots of trained models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hyperml_tf.models import HyperML
from hyperml_tf.visualization.disk import plot_disk

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_items(
    model: HyperML,
    popularity: Any,
    path: str | os.PathLike[str] | None = None,
    labels: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    title: str | None = "Items of the learned space",
    max_points: int = 5000,
) -> Figure:
    """Plots the items of a trained model on the disk, sized by popularity.

    Args:
        model: the model.
        popularity: `(n_items,)` weights, such as the number of interactions of each item (`Interactions.popularity`), in
            the order of the model's candidates.
        path: the file to save the plot to, as in `plot_disk`. Defaults to None, which saves nothing.
        labels: `(n_items,)` labels, of which those of the most popular items are drawn. Defaults to None.
        groups: `(n_items,)` categories, drawn as colours. Defaults to None, which colours by popularity.
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
    return plot_disk(
        model.candidate_tower.all_points().numpy(),
        weights=popularity,
        labels=labels,
        groups=groups,
        curvature=float(model.curvature()),
        path=path,
        title=title,
        max_points=max_points,
    )
