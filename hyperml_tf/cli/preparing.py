"""The command `prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.options import TABLE_SETTINGS, settings_given, with_settings
from hyperml_tf.cli.tables import described

_READING = tuple(name for name in TABLE_SETTINGS if name != "split")


@with_settings(_READING)
def prepare(
    context: typer.Context,
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE...",
            help="Interactions, as CSV, JSON Lines or Parquet: files, folders, quoted patterns of names, or addresses that "
            "DuckDB opens, such as s3://bucket/events/*.parquet.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The directory to write, which `train` takes as a TABLE.")],
    split: Annotated[
        str,
        typer.Option(
            metavar="last|time:...|none",
            help="Which rows are held out: the last two of each user; those from a time on, such as time:2024-01-01; or none.",
        ),
    ] = "last",
    shards: Annotated[
        int | None,
        typer.Option(help="Number of files for the rows.", show_default="one for each 2,000,000 rows"),
    ] = None,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Memory that the process may take.")] = "4GiB",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a prepared table in DIR.")] = False,
    **_: Any,
) -> None:
    """Prepare a table that is larger than memory for training: codes, order, split and shards, on disk. Requires DuckDB."""
    console.start_logging()
    from hyperml_tf import preparation

    table = preparation.prepare(
        tables,
        out,
        split=split,
        shards=shards,
        memory=memory,
        overwrite=overwrite,
        **settings_given(context, None, _READING).reading(),
    )
    typer.echo(described(table))
