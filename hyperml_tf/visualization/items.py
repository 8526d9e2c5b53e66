"""The picture of a trained model."""

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
    """Draws the items of a trained model on the disk, sized by popularity.

    Args:
        model: the model.
        popularity: interactions of every item, in the order of the model's catalogue, as from `Interactions.popularity`.
        path: where to write the picture; nowhere if None.
        labels: the text of every item, likewise ordered; the most popular are labelled.
        groups: the category of every item, likewise ordered.
        title, max_points: see `plot_disk`.

    Returns:
        The figure, `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is missing.
        ValueError: if an argument does not fit the catalogue.

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
