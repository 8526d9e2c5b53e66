"""The commands `recommend` and `similar`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.id_lists import known_ids, mentioned, read_ids, users_in_dtype
from hyperml_tf.cli.item_options import DetailOption, ItemsOption, items_of
from hyperml_tf.cli.options import JsonOption
from hyperml_tf.cli.runs import RunArgument

if TYPE_CHECKING:
    from hyperml_tf.data import ItemTable
    from hyperml_tf.retrieval.results import Neighbours
    from hyperml_tf.runs import Run

# Those of `hyperml_tf.serving.answer_files`, which imports TensorFlow; a test compares them.
FORMATS = (".parquet", ".csv", ".jsonl")

_REASONS = 3

OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write to this file, one row per recommended item: .parquet, .csv or .jsonl.",
        show_default="print",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out if it exists.")]


def recommend(
    run: RunArgument,
    user: Annotated[list[str] | None, typer.Option(metavar="ID", help="A user; may be repeated.")] = None,
    users: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of users with one id per line.", show_default=False)
    ] = None,
    all_users: Annotated[bool, typer.Option("--all-users", help="All users of the run; requires --out.")] = False,
    out: OutOption = None,
    k: Annotated[int, typer.Option("--k", "-k", help="Number of items per user.")] = 10,
    items: ItemsOption = None,
    detail: DetailOption = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help='Recommend items only that meet a condition on the columns of the item table, such as "year >= 1990 and '
            "'Comedy' in genres\".",
            show_default="all items",
        ),
    ] = None,
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
    include_seen: Annotated[
        bool, typer.Option("--include-seen", help="Also recommend items of the user's history.")
    ] = False,
    why: Annotated[
        bool,
        typer.Option("--why", help="Also print the items of the user's history that draw them most to each item."),
    ] = False,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Recommend the nearest items to users: print them, or write them to a file.

    Unknown users are at the origin, so their recommendations are the popular, general items.
    """
    _check_asked({"--user": user, "--users": users, "--all-users": all_users}, "--all-users", out, as_json, overwrite)
    if why and out is not None:
        raise ValueError("`--why` prints, and cannot be written to a file. Received: both `--why` and `--out`")
    console.start_tensorflow()
    from hyperml_tf.runs import Run

    loaded = Run.load(run)
    # A condition may be on columns that are not shown.
    known = items_of(loaded, items, None if where else detail)
    table = known.select(detail) if known is not None and detail else known
    names = None if all_users else _listed(users) if users is not None else user or []
    options: dict[str, Any] = {
        "exclude_seen": not include_seen,
        "include": _included(loaded, known, include, where),
        "exclude": _ids(loaded, exclude, "--exclude") if exclude else None,
    }
    asked = None if names is None else _known_users(loaded, names)
    if out is not None:
        from hyperml_tf.serving import recommend_to_file

        total = len(loaded.model.query_tower) if asked is None else len(asked)
        with console.progress("Recommending", total, "users") as advance:
            rows = recommend_to_file(loaded.model, out, asked, k, items=table, progress=advance, **options)
        typer.echo(f"Wrote {out}: {rows:,} recommendations for {total:,} users")
        return
    answer = loaded.model.recommend(asked, k, **options)
    answer = answer if table is None else table.describe(answer)
    reasons = _reasons(loaded, table, asked or [], answer) if why else None
    _show("user", names or [], answer, as_json, reasons)


def similar(
    run: RunArgument,
    item: Annotated[list[str] | None, typer.Option(metavar="ID", help="An item; may be repeated.")] = None,
    all_items: Annotated[bool, typer.Option("--all-items", help="All items of the run; requires --out.")] = False,
    out: OutOption = None,
    k: Annotated[int, typer.Option("--k", "-k", help="Number of similar items.")] = 10,
    items: ItemsOption = None,
    detail: DetailOption = None,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Find the items nearest to items: print them, or write them to a file."""
    _check_asked({"--item": item, "--all-items": all_items}, "--all-items", out, as_json, overwrite)
    console.start_tensorflow()
    from hyperml_tf.runs import Run

    loaded = Run.load(run)
    table = items_of(loaded, items, detail)
    by_name = {str(value): value for value in loaded.model.candidate_tower.ids.tolist()}
    if unknown := [name for name in item or [] if name not in by_name]:
        raise ValueError(f"`--item` must be an item of the run. Received: {mentioned(unknown)}")
    asked = None if all_items else [by_name[name] for name in item or []]
    if out is not None:
        from hyperml_tf.serving import similar_to_file

        total = len(by_name) if asked is None else len(asked)
        with console.progress("Comparing", total, "items") as advance:
            rows = similar_to_file(loaded.model, out, asked, k, items=table, progress=advance)
        typer.echo(f"Wrote {out}: {rows:,} similar items for {total:,} items")
        return
    answer = loaded.model.similar_items(asked, k)
    _show("item", item or [], answer if table is None else table.describe(answer), as_json)


def _check_asked(given: dict[str, Any], everything: str, out: Path | None, as_json: bool, overwrite: bool) -> None:
    """Raises an error if options do not go together, before anything is loaded."""
    chosen = [name for name, value in given.items() if value]
    if len(chosen) != 1:
        names = ", ".join(f"`{name}`" for name in given)
        raise ValueError(f"One of {names} is required. Received: {', '.join(chosen) or 'none of them'}")
    if out is None:
        if given[everything]:
            raise ValueError(f"`{everything}` requires a file to write, `--out`. Received: no file")
        if overwrite:
            raise ValueError("`--overwrite` requires a file to write, `--out`. Received: no file")
        return
    if as_json:
        raise ValueError(
            "`--json` prints; a file of JSON lines is `--out FILE.jsonl`. Received: both `--json` and `--out`"
        )
    if out.suffix.lower() not in FORMATS:
        raise ValueError(f"`--out` must end in one of {', '.join(FORMATS)}. Received: {str(out)!r}")
    if out.exists() and not (overwrite and out.is_file()):
        raise FileExistsError(f"`--out` exists. Pass `--overwrite` to replace a file. Received: {str(out)!r}")


def _listed(file: Path) -> list[str]:
    if not file.is_file():
        raise FileNotFoundError(f"`--users` must be a file that exists. Received: {str(file)!r}")
    return read_ids([str(file)])


def _known_users(run: Run, names: list[str]) -> list[Any]:
    if not names:
        raise ValueError("`--users` must be a file with at least one id. Received: an empty file")
    codes = run.table.codes_of(names)
    if unknown := [name for name, code in zip(names, codes, strict=True) if code < 0]:
        typer.echo(f"Note: unknown users get the popular, general items: {mentioned(unknown)}", err=True)
    return users_in_dtype(names, run.table.user_ids)


def _included(run: Run, table: ItemTable | None, include: list[str] | None, where: str | None) -> list[Any] | None:
    """The items that may be recommended by `--include` and `--where`."""
    included = _ids(run, include, "--include") if include else None
    if where is None:
        return included
    if table is None:
        raise ValueError("`--where` requires a table of items, `--items` here or in `train`. Received: no table")
    meeting = table.where(where).tolist()
    if not meeting:
        typer.echo(f"Note: no item meets the condition {where!r}", err=True)
    if included is None:
        return meeting
    both = set(meeting)
    return [one for one in included if one in both]


def _ids(run: Run, given: list[str], option: str) -> list[Any]:
    return known_ids(read_ids(given), run.model.candidate_tower.ids, option)


def _reasons(
    run: Run, table: ItemTable | None, users: list[Any], answer: Neighbours
) -> list[list[list[dict[str, Any]]]]:
    """The items that draw each user most to each item of an answer."""
    found = answer.found
    pairs = [
        (user, item) for user, row, there in zip(users, answer.ids, found, strict=True) for item in row[there].tolist()
    ]
    if not pairs:
        return [[] for _ in users]
    why = run.model.explain([user for user, _ in pairs], [item for _, item in pairs])
    why = why if table is None else table.describe(why)
    columns = {"item": why.ids, "share": why.shares, "pull": why.pulls, **why.details}
    rows = iter(
        [
            [
                {
                    name: values[row, place].item() if name in ("share", "pull") else values[row, place]
                    for name, values in columns.items()
                }
                for place in range(min(_REASONS, why.ids.shape[1]))
                if why.shares[row, place] > 0
            ]
            for row in range(len(pairs))
        ]
    )
    return [[next(rows) for _ in range(int(there.sum()))] for there in found]


def _show(
    query: str,
    names: list[str],
    answer: Neighbours,
    as_json: bool,
    reasons: list[list[list[dict[str, Any]]]] | None = None,
) -> None:
    rows: list[dict[str, Any]] = [{query: name, "items": _found(answer, row)} for row, name in enumerate(names)]
    if reasons is not None:
        for row, of_items in zip(rows, reasons, strict=True):
            row["items"] = [{**item, "because": because} for item, because in zip(row["items"], of_items, strict=True)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False, default=lambda value: value.item()))
        return
    for name, row in zip(names, rows, strict=True):
        _print(f"{query.capitalize()} {name}", row["items"], list(answer.details), reasons is not None)


def _found(answer: Neighbours, row: int) -> list[dict[str, Any]]:
    """The items of one query, without the entries for which no item was left."""
    columns = {"item": answer.ids, "distance": answer.distances, **answer.details}
    values = zip(*(column[row][answer.found[row]].tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, one, strict=True)) for one in values]


def _print(title: str, items: list[dict[str, Any]], details: list[str], why: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    table.add_column("", justify="right")
    table.add_column("item")
    for name in details:
        table.add_column(Text(name))
    table.add_column("distance", justify="right")
    if why:
        table.add_column("because of")
    # The first column of an item table usually names the item.
    named = details[0] if details else "item"
    for place, item in enumerate(items, start=1):
        texts = [Text(str(item[name])) for name in ("item", *details)]
        because = [f"{one[named] or one['item']} {one['share']:.0%}" for one in item.get("because", [])]
        last = [Text(", ".join(because))] if why else []
        table.add_row(str(place), *texts, f"{item['distance']:.4f}", *last)
    console.output().print(table)
