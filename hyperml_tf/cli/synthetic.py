"""The command `synthesize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperml_tf.cli import console


def synthesize(
    out: Annotated[Path, typer.Argument(metavar="OUT.csv", help="The table of interactions to write.")],
    users: Annotated[int, typer.Option(help="Number of users.")] = 2000,
    items: Annotated[int, typer.Option(help="Number of items, at least 64.")] = 1500,
    rows: Annotated[int, typer.Option(help="Number of interactions.")] = 60_000,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    item_table: Annotated[
        Path | None, typer.Option(metavar="ITEMS.csv", help="Also write the titles and categories of the items.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
) -> None:
    """Write a synthetic table of interactions: items of a hidden taxonomy, with popularity and user preferences."""
    targets = [path for path in (out, item_table) if path is not None]
    for path in targets:
        if path.exists() and not overwrite:
            raise FileExistsError(f"`{path}` exists. Pass `--overwrite` to replace it.")
    console.start_tensorflow()
    from hyperml_tf.data import synthesize as make

    catalogue = make(n_users=users, n_items=items, n_rows=rows, seed=seed)
    for path, frame in zip(targets, (catalogue.interactions, catalogue.items), strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(path, index=False)
        typer.echo(f"Wrote {path}: {len(frame):,} rows")
