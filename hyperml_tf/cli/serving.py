"""The commands `recommend`, `export` and `verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.id_lists import known_ids, read_ids
from hyperml_tf.cli.runs import RunArgument

if TYPE_CHECKING:
    from hyperml_tf.retrieval import Neighbours
    from hyperml_tf.runs import Run


def recommend(
    run: RunArgument,
    user: Annotated[list[str], typer.Option(metavar="ID", help="A user; may be repeated.")],
    k: Annotated[int, typer.Option("--k", "-k", help="Number of items per user.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    include_seen: Annotated[
        bool, typer.Option("--include-seen", help="Also recommend items of the user's history.")
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID|FILE",
            help="Recommend this item only; may be repeated. Or a file with one id per line.",
            show_default="all items",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID|FILE",
            help="Do not recommend this item; may be repeated. Or a file with one id per line.",
            show_default="none",
        ),
    ] = None,
) -> None:
    """Print the nearest items of users.

    Unknown users are at the origin, so their recommendations are the popular, general items.
    """
    console.start_tensorflow()
    from hyperml_tf.runs import Run

    loaded = Run.load(run)
    codes = loaded.table.codes_of(user)
    if unknown := [name for name, code in zip(user, codes, strict=True) if code < 0]:
        typer.echo(f"Note: unknown users get the popular, general items: {', '.join(unknown)}", err=True)
    catalogue = loaded.model.candidate_tower.ids
    filters = {
        name: known_ids(read_ids(given), catalogue, f"--{name}")
        for name, given in (("include", include), ("exclude", exclude))
        if given
    }
    answer = loaded.model.recommend(user, k, exclude_seen=not include_seen, **filters)
    rows = _rows(user, answer)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(rows)


def _rows(users: list[str], answer: Neighbours) -> list[dict[str, Any]]:
    pairs = [
        [
            {"item": item, "distance": distance}
            for item, distance in zip(ids, distances, strict=True)
            # If exclusions leave fewer than k items, the others have an infinite distance.
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
        int | None, typer.Option("--k", "-k", help="Number of items in results.", show_default="that of the run")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is an export.")] = False,
    new_version: Annotated[
        bool, typer.Option("--new-version", help="OUT is the directory of all versions: write the next version.")
    ] = False,
    exclude_seen: Annotated[bool, typer.Option("--exclude-seen", help="Exclude items of the user's history.")] = False,
    items: Annotated[
        Path | None,
        typer.Option(metavar="ITEMS", help="A table of items, CSV or Parquet, with columns to return with item ids."),
    ] = None,
    detail: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A column of ITEMS; may be repeated.", show_default="all columns"),
    ] = None,
    precision: Annotated[
        str, typer.Option(metavar="float32|float16|bfloat16", help="Half precision takes a quarter less space.")
    ] = "float32",
    half_life: Annotated[
        float | None,
        typer.Option(
            help="The weight of an item in a history halves every so many later items; inf: equal weights.",
            show_default="that of the model",
        ),
    ] = None,
    warm_up: Annotated[bool, typer.Option("--warm-up", help="Write warm-up requests for TensorFlow Serving.")] = False,
    index: Annotated[
        str | None, typer.Option(metavar="faiss", help="Also build an approximate index, for a million items and more.")
    ] = None,
) -> None:
    """Write the SavedModel of a run, for TensorFlow Serving."""
    if index not in (None, "faiss"):
        raise ValueError(f"`--index` must be faiss. Received: {index}")
    if detail and items is None:
        raise ValueError("`--detail` requires a table of items, `--items`. Received: no table")
    console.start_tensorflow()
    from hyperml_tf.runs import Run
    from hyperml_tf.serving import ApproximateIndex, approximate_index, export_saved_model

    if out.exists() and not overwrite and not new_version:
        raise FileExistsError(f"`{out}` exists. Pass `--overwrite` to replace it.")
    loaded = Run.load(run)
    # Before anything is written, because it takes longest and may fail for a missing extra.
    built = None if index is None else ApproximateIndex.from_model(loaded.model)
    path = export_saved_model(
        loaded.model,
        out,
        k=loaded.config.k if k is None else k,
        overwrite=overwrite,
        new_version=new_version,
        exclude_seen=exclude_seen,
        details=None if items is None else _details(loaded, items, detail),
        precision=precision,  # type: ignore[arg-type]  # checked there
        half_life=half_life,
        warm_up_requests=warm_up,
        card=loaded.card,
        index=built,
    )
    typer.echo(f"Wrote {path}")
    if built is not None:
        report = ", ".join(f"{name} {value}" for name, value in built.report.items())
        typer.echo(f"Wrote {path / approximate_index.FOLDER}: {report}")


def verify(
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="The directory that `export` wrote.")],
) -> None:
    """Compare the files of an export with the hashes in its model card. Exits with 1 if they differ."""
    console.start_tensorflow()
    from hyperml_tf.serving import verify_export

    found = verify_export(export)
    for said, names in (("Changed", found.changed), ("Missing", found.missing), ("Not of the export", found.added)):
        for name in names:
            typer.echo(f"{said}: {name}")
    if found:
        raise typer.Exit(1)
    typer.echo(f"{export} is as it was written.")


def _details(run: Run, table: Path, columns: list[str] | None) -> dict[str, list[str]]:
    import pandas as pd

    from hyperml_tf.serving import item_details

    suffixes = [suffix.lower() for suffix in table.suffixes]
    # As strings, because integers with missing values would become floats.
    parquet = suffixes[-1:] in ([".parquet"], [".pq"])
    frame = pd.read_parquet(table) if parquet else pd.read_csv(table, dtype=str, keep_default_na=False)
    return item_details(run.model.candidate_tower.ids, frame, columns)
