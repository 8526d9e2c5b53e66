"""The commands `export` and `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.item_options import DetailOption, ItemsOption, items_of
from hyperml_tf.cli.runs import RunArgument


def export(
    run: RunArgument,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="The directory of all versions, in which the next one is written: OUT/1, then OUT/2. Or that of a version, "
            "such as models/items/7, whose name is a number.",
        ),
    ],
    k: Annotated[
        int | None, typer.Option("--k", "-k", help="Number of items in results.", show_default="that of the run")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the version OUT, if it is an export.")
    ] = False,
    include_seen: Annotated[
        bool, typer.Option("--include-seen", help="Also recommend items of the user's history.")
    ] = False,
    items: ItemsOption = None,
    detail: DetailOption = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="COLUMN",
            help="A column of the item table by which the signature recommend_where filters; may be repeated.",
            show_default="none",
        ),
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
    is_version = out.name.isdecimal()
    if overwrite and not is_version:
        raise ValueError(f"`--overwrite` replaces one version: name it, such as {out / '1'}. Received: {out}")
    console.start_tensorflow()
    from hyperml_tf.runs import Run
    from hyperml_tf.serving import ApproximateIndex, approximate_index, export_saved_model

    if is_version and out.exists() and not overwrite:
        raise FileExistsError(f"`{out}` exists. Pass `--overwrite` to replace it.")
    loaded = Run.load(run)
    table = items_of(loaded, items, detail)
    # Before anything is written, because it takes longest and may fail for a missing extra.
    built = None if index is None else ApproximateIndex.from_model(loaded.model)
    path = export_saved_model(
        loaded.model,
        out,
        k=loaded.config.k if k is None else k,
        overwrite=overwrite,
        new_version=not is_version,
        exclude_seen=not include_seen,
        details=None if table is None else table.columns,
        filter_columns=filters or [],
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
