"""Options for a table of items, whose columns are returned with item ids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np

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
    check_items(path, columns if run.items is None else None)
    if path is not None:
        return read_items(path, columns, run.model.candidate_tower.ids)
    if run.items is None:
        return None
    return run.items.select(columns) if columns else run.items


def read_items(path: Path, columns: list[str] | None, item_ids: np.ndarray) -> ItemTable:
    """Reads a table of items. It needs no TensorFlow."""
    from hyperml_tf.data import ItemTable

    return ItemTable.from_file(path, item_ids, columns or None)


def check_items(path: Path | None, columns: list[str] | None) -> None:
    """Raises an error if columns are given without a table, or the table does not exist."""
    if path is not None and not path.exists():
        raise FileNotFoundError(f"`--items` must be a file that exists. Received: {str(path)!r}")
    if columns and path is None:
        raise ValueError("`--detail` requires a table of items, `--items`. Received: no table")
