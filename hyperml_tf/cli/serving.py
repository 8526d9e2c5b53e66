"""Commands that use a trained run: `recommend`, `export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.runs import RunArgument

if TYPE_CHECKING:
    import numpy as np

    from hyperml_tf.models import Neighbours


def recommend(
    run: RunArgument,
    user: Annotated[list[str], typer.Option(metavar="ID", help="A user; may be repeated.")],
    k: Annotated[int, typer.Option("--k", "-k", help="How many items a user.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Also items the user has had.")] = False,
) -> None:
    """Print the items nearest to users, by distance.

    A user the run does not know gets the neighbours of the origin, which are the popular, general items.
    """
    console.start_tensorflow()
    from hyperml_tf.runs import Run

    loaded = Run.load(run)
    codes = loaded.table.codes_of(user)
    if unknown := [name for name, code in zip(user, codes, strict=True) if code < 0]:
        typer.echo(f"Note: unknown users get the popular, general items: {', '.join(unknown)}", err=True)
    answer = loaded.model.recommend(_ids(user, codes, loaded.table.user_ids), k, exclude_seen=not include_seen)
    rows = _rows(user, answer)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(rows)


def _ids(users: list[str], codes: np.ndarray, known: np.ndarray) -> list[Any]:
    """Users as the model knows them; an unknown one of integer ids becomes an integer that no user has."""
    if known.dtype.kind != "i":
        return users
    nobody = int(known.min()) - 1
    return [int(known[code]) if code >= 0 else nobody for code in codes]


def _rows(users: list[str], answer: Neighbours) -> list[dict[str, Any]]:
    pairs = [
        [
            {"item": item, "distance": distance}
            for item, distance in zip(ids, distances, strict=True)
            # Where the exclusions leave fewer than k items the rest is infinitely far.
            if distance < float("inf")
        ]
        for ids, distances in zip(answer.ids.tolist(), answer.distances.tolist(), strict=True)
    ]
    return [{"user": name, "items": items} for name, items in zip(users, pairs, strict=True)]


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    for row in rows:
        table = Table(title=Text(f"User {row['user']}"), title_justify="left")
        table.add_column("", justify="right")
        table.add_column("item")
        table.add_column("distance", justify="right")
        for place, item in enumerate(row["items"], start=1):
            table.add_row(str(place), Text(str(item["item"])), f"{item['distance']:.4f}")
        console.output().print(table)


def export(
    run: RunArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The directory to write, such as models/items/1.")],
    k: Annotated[
        int | None, typer.Option("--k", "-k", help="Length of the answers.", show_default="that of the run")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it exists.")] = False,
) -> None:
    """Write the SavedModel of a run, for TensorFlow Serving."""
    console.start_tensorflow()
    from hyperml_tf.retrieval import export_saved_model
    from hyperml_tf.runs import Run

    if out.exists() and not overwrite:
        raise FileExistsError(f"`{out}` exists. Pass `--overwrite` to replace it.")
    loaded = Run.load(run)
    path = export_saved_model(loaded.model, out, k=loaded.config.k if k is None else k, overwrite=overwrite)
    typer.echo(f"Wrote {path}")
