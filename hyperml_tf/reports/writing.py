"""Reports as files."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pandas as pd

from hyperml_tf._argument_checks import as_path
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import ItemTable
from hyperml_tf.data.categories import Categories
from hyperml_tf.files.whole import whole_file
from hyperml_tf.reports.measuring import Measured, measure
from hyperml_tf.reports.pictures import draw
from hyperml_tf.reports.rendering import to_html, to_markdown
from hyperml_tf.reports.sampling import Sampling
from hyperml_tf.reports.text import document
from hyperml_tf.runs import Run

logger = logging.getLogger(__name__)

FOLDER, PICTURES = "report", "pictures"
NUMBERS, MARKDOWN, PAGE = "report.json", "report.md", "report.html"


@names_arguments
def report(
    run: Run | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    items: str | os.PathLike[str] | pd.DataFrame | ItemTable | None = None,
    categories: str | None = None,
    sampling: Sampling | None = None,
) -> dict[str, Any]:
    """Measures whether hyperbolic space suits the table of a run, and writes what was found.

    It writes `report.json` with every number, `report.md` and `report.html` with text, tables and pictures, and the pictures as
    SVG in `pictures/`. The HTML page holds its pictures, and needs no other file and no network. Without matplotlib (the extra
    `plots`) there are no pictures, and the report says so.

    Args:
        run: A `Run`, or the path of its directory.
        out: Path of the directory to write. A report in it is replaced. Defaults to `None`, `report` in the run.
        items: A table of items, see `ItemTable`. Defaults to `None`, that of the run, if any.
        categories: The column of the categories of an item, as a list with the most general one first, separated by `|`, `>` or
            `/`. Defaults to `None`, a column of lists with `|`, if there is one.
        sampling: A `Sampling`, how much is looked at. Defaults to `None`, its defaults.

    Returns:
        The numbers, as in `report.json`.

    Raises:
        FileNotFoundError: If there is no run, or no table of items.
        FileExistsError: If `out` is a file, or holds files of others with the names of those of a report.
        ValueError: If a table or a column is invalid.

    Example:

    >>> from hyperml_tf import TrainingConfig, synthesize, train_run
    >>> catalogue = synthesize(n_users=40, n_items=120, n_rows=400)
    >>> run = train_run(catalogue.table, "runs/reported", TrainingConfig(dim=4, epochs=1), items=catalogue.items)
    >>> numbers = report(run)
    >>> numbers["run"]["users"], numbers["radius"]["categories"]["column"]
    (40, 'category')
    >>> sorted(path.name for path in (run.path / "report").iterdir())
    ['pictures', 'report.html', 'report.json', 'report.md']
    """
    loaded = run if isinstance(run, Run) else Run.load(run)
    folder = loaded.path / FOLDER if out is None else as_path(out=out)
    _check_writable(folder)
    table = _items(loaded, items)
    if table is None and categories is not None:
        raise ValueError(
            f"`categories` requires a table of items, `items`. Received: categories={categories!r}, no table"
        )
    found = measure(loaded, table, None if table is None else Categories.of(table, categories), sampling or Sampling())
    _write(folder, found)
    return found.numbers


def _items(run: Run, items: Any) -> ItemTable | None:
    if items is None or isinstance(items, ItemTable):
        return run.items if items is None else items
    read = ItemTable.from_frame if isinstance(items, pd.DataFrame) else ItemTable.from_file
    return read(items, run.model.candidate_tower.ids)


def _check_writable(folder: Path) -> None:
    """Raises an error if a report would replace files that are not those of a report."""
    if folder.is_file():
        raise FileExistsError(f"`out` must be a directory. Received: the file {str(folder)!r}")
    taken = [name for name in (NUMBERS, MARKDOWN, PAGE, PICTURES) if (folder / name).exists()]
    if not taken:
        return
    try:
        ours = "report" in json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        ours = False
    if not ours:
        raise FileExistsError(
            "`out` must not hold files of others with the names of those of a report. Choose another directory. "
            f"Received: {str(folder)!r} with {', '.join(taken)}"
        )


def _write(folder: Path, found: Measured) -> None:
    pictures, missing = {}, None
    try:
        pictures = draw(found)
    except ImportError as error:
        logger.warning("No pictures were drawn: %s", error)
        missing = f"There are no pictures in this report. {error}"
    blocks = document(found.numbers, missing)
    # First, because this file marks a report.
    _write_text(folder / NUMBERS, json.dumps(found.numbers, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    for name, picture in pictures.items():
        with whole_file(folder / PICTURES / f"{name}.svg") as scratch:
            scratch.write_bytes(picture)
    _write_text(folder / MARKDOWN, to_markdown(blocks, PICTURES, pictures))
    _write_text(folder / PAGE, to_html(blocks, pictures))


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8")
