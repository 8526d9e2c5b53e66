"""The command `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.item_options import ItemsOption
from hyperml_tf.cli.runs import RunArgument


def report(
    run: RunArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The directory to write.", show_default="report in the run"),
    ] = None,
    items: ItemsOption = None,
    categories: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column of the item table with the categories of an item, the most general first, separated by |, > or /.",
            show_default="a column of lists with |, if any",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of what is sampled.")] = 0,
) -> None:
    """Measure whether hyperbolic space suits the table of a run, and what its lists are like."""
    console.start_tensorflow()
    from hyperml_tf.reports import Sampling
    from hyperml_tf.reports import report as write
    from hyperml_tf.reports.text import ANSWERS

    folder = run / "report" if out is None else out
    found = write(run, folder, items, categories, Sampling(seed=seed))
    verdict = found["verdict"]
    typer.echo(f"Does hyperbolic space suit this table? {ANSWERS[verdict['answer']]}")
    for side in ("for", "against", "open"):
        for text in verdict[side]:
            typer.echo(f"  {side}: {text}")
    typer.echo(f"Wrote {folder}: report.html, report.md, report.json")
