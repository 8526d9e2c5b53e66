"""Options for a table of items, whose columns are returned with item ids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hyperml_tf.data import ItemTable
    from hyperml_tf.runs import Run

ItemsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="ITEMS",
        help="A table of items, as CSV or Parquet, with columns to show with item ids, such as titles.",
        show_default="that of the run, if any",
    ),
]
DetailOption = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A column of the item table; may be repeated.", show_default="all columns"),
]


def items_of(run: Run, path: Path | None, columns: list[str] | None) -> ItemTable | None:
    """Returns the table of items that an option names, or that of the run, with the given columns.

    Raises:
        ValueError: If columns are given, but there is no table, or it lacks one of them.
    """
    from hyperml_tf.data import ItemTable

    if path is not None:
        return ItemTable.from_file(path, run.model.candidate_tower.ids, columns or None)
    if run.items is None:
        check_items(path, columns)
        return None
    return run.items.select(columns) if columns else run.items


def check_items(path: Path | None, columns: list[str] | None) -> None:
    """Raises a `ValueError` if columns are given without a table."""
    if columns and path is None:
        raise ValueError("`--detail` requires a table of items, `--items`. Received: no table")
