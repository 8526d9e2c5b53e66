"""The explorer: a page on which the catalogue of a model is looked at, searched and asked."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hyperml_tf._argument_checks import as_path, check_instance, check_text
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.files.whole import whole_file
from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.visualization.page_data import page_data
from hyperml_tf.visualization.page_file import page

logger = logging.getLogger(__name__)


@names_arguments
def write_explorer(
    model: MetricRecommender,
    path: str | os.PathLike[str],
    items: Mapping[str, Sequence[str]] | None = None,
    label: str | None = None,
    colour: str | None = None,
    popularity: Any = None,
    users: int | Sequence[Any] = 200,
    k: int = 10,
    title: str = "The learned space",
) -> Path:
    """Writes a page that shows the items of a trained model on the Poincaré disk, to be opened in a browser.

    The page is one HTML file that needs no network, no server and no further file. It shows all items, sized by popularity and
    coloured by a column of theirs. Dragging moves the disk by translations of the hyperbolic plane. An item can be searched for
    and chosen, and then shows its nearest items *of the learned space*; a user shows the items of the history, the
    recommendations, and the items of the history that draw most to each of them. Where points lie on the disk is an
    approximation, see `disk_layout`; neighbours, recommendations, distances and shares are those of `model.similar_items`,
    `model.recommend` and `model.explain`.

    The page holds what it shows: ids, the columns of the items, and histories and recommendations of the users it has. Mind that
    before you publish it.

    Args:
        model: A `HyperML`, or a baseline that recommends by distance.
        path: Path of the file to write. Missing directories are created.
        items: Optional columns of the items, such as titles and categories: texts by the name of the column, each in the order of
            the catalogue. Parts of a value may have `|` between them, as in a path of categories or a list of genres. Defaults to
            `None`.
        label: Optional name of the column by which items are called. Defaults to `None`: a column "title" or "name", or else the
            ids.
        colour: Optional name of the column by which items are coloured at first. Defaults to `None`: the first column whose
            groups tell items apart, or else their popularity.
        popularity: Optional `(n,)` weights >= 0, such as the number of interactions of each item. Defaults to `None`, the number
            of users in whose history of the model the item is.
        users: Integer, the number of users in the page, who are taken evenly from the one with the longest history to the one
            with the shortest; or the raw ids of the users. Defaults to `200`.
        k: Integer >= 1, the number of neighbours of each item and of recommendations to each user. Defaults to `10`.
        title: String, the title of the page. Defaults to `"The learned space"`.

    Returns:
        The path.

    Raises:
        ValueError: If an argument does not match the model.

    Example:

    >>> from hyperml_tf import HyperML, synthesize
    >>> catalogue = synthesize(n_users=20, n_items=64, n_rows=200)
    >>> model = HyperML.from_interactions(catalogue.table, dim=4)
    >>> model.set_seen(catalogue.table)
    >>> titles = catalogue.items.set_index("item")["title"].loc[catalogue.table.item_ids].tolist()
    >>> write_explorer(model, "explorer.html", {"title": titles}).suffix
    '.html'
    """
    check_instance(MetricRecommender, model=model)
    check_text(title=title)
    target = as_path(path=path)
    data = page_data(model, items, label, colour, popularity, users, k, title)
    text = page(data).encode("utf-8")
    with whole_file(target) as scratch:
        scratch.write_bytes(text)
    logger.info(
        "Wrote %d items and %d users to %s, %.1f MB.", len(data["ids"]), len(data["users"]), target, len(text) / 1e6
    )
    return target
