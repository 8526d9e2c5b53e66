"""The commands `plot` and `explore`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.id_lists import read_ids
from hyperml_tf.cli.item_options import ItemsOption, items_of
from hyperml_tf.cli.runs import RunArgument

if TYPE_CHECKING:
    from hyperml_tf.runs import Run

LabelOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="The column of ITEMS by which items are called.", show_default="title or name, if any"
    ),
]
ColourOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="The column of ITEMS by which items are coloured.", show_default="the first with groups"
    ),
]


def plot(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="PNG, SVG or PDF to write.", show_default="disk.png in the run")
    ] = None,
    items: ItemsOption = None,
    label: LabelOption = None,
    colour: ColourOption = None,
    max_points: Annotated[int, typer.Option(help="Maximum number of items to draw, the most popular ones.")] = 5000,
) -> None:
    """Draw the items of a run on the Poincaré disk."""
    console.start_tensorflow()
    from hyperml_tf.runs import Run
    from hyperml_tf.visualization import plot_items

    loaded = Run.load(run)
    columns = item_columns(loaded, items)
    path = run / "disk.png" if out is None else out
    plot_items(loaded.model, loaded.table.popularity(), path, columns, label, colour, max_points=max_points)
    typer.echo(f"Wrote {path}")


def explore(
    run: RunArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PAGE.html", help="The page to write.", show_default="explorer.html in the run"),
    ] = None,
    items: ItemsOption = None,
    label: LabelOption = None,
    colour: ColourOption = None,
    users: Annotated[
        int, typer.Option(help="Number of users in the page, evenly from the longest history to the shortest.", min=0)
    ] = 200,
    user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID|FILE",
            help="A user in the page, instead of those; may be repeated. Or a file with one id per line.",
            show_default="none",
        ),
    ] = None,
    k: Annotated[
        int, typer.Option("--k", "-k", help="Number of neighbours of each item, and of recommendations.")
    ] = 10,
    title: Annotated[
        str | None, typer.Option(help="The title of the page.", show_default="the name of the run")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write a page on which the items of a run are looked at, searched and asked, for any browser, without network."""
    console.start_tensorflow()
    from hyperml_tf.runs import Run
    from hyperml_tf.visualization import write_explorer

    loaded = Run.load(run)
    path = write_explorer(
        loaded.model,
        run / "explorer.html" if out is None else out,
        item_columns(loaded, items),
        label,
        colour,
        users=users if not user else known_users(loaded, read_ids(user)),
        k=k,
        title=title or run.resolve().name,
    )
    typer.echo(f"Wrote {path}, {path.stat().st_size / 1e6:.1f} MB")
    if open_page:
        webbrowser.open(path.resolve().as_uri())


def item_columns(run: Run, table: Path | None) -> dict[str, list[str]]:
    """The columns of the table of items, in the order of the catalogue; those that the run keeps without a table."""
    known = items_of(run, table, None)
    return {} if known is None else {name: list(values) for name, values in known.columns.items()}


def known_users(run: Run, names: list[str]) -> list[Any]:
    """Returns the ids of users in the dtype of the model.

    Raises:
        ValueError: If a user is unknown.
    """
    codes = run.table.codes_of(names)
    if unknown := [name for name, code in zip(names, codes, strict=True) if code < 0]:
        raise ValueError(f"`--user` must be users of the run. Received unknown ids: {', '.join(unknown[:5])}")
    return run.table.user_ids[codes].tolist()
