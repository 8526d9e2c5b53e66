"""The commands `evaluate` and `crossvalidate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.answers import OverwriteOption
from hyperml_tf.cli.item_options import ItemsOption, items_of
from hyperml_tf.cli.options import ConfigOption, JsonOption, TableArgument, settings_given, with_settings
from hyperml_tf.cli.runs import RunArgument
from hyperml_tf.cli.tables import read_and_tell
from hyperml_tf.files.whole import whole_file
from hyperml_tf.settings import TrainingConfig, settings_of

if TYPE_CHECKING:
    import pandas as pd

_FORMATS = (".parquet", ".csv")
# Those of `hyperml_tf.metrics`, which imports TensorFlow; a test compares them.
METRICS = ("hr", "recall", "precision", "f1", "ndcg", "map", "mrr")
LIST_METRICS = ("coverage", "gini", "novelty", "diversity", "distinct_categories", "popularity_lift")
_TRAINING = [name for name in settings_of(TrainingConfig) if name not in ("split", "k", "include_seen")]

KOption = Annotated[
    list[int] | None,
    typer.Option("--k", "-k", help="A cut-off; may be repeated.", show_default="5, 10 and 20"),
]
MetricsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help=f"A metric; may be repeated, or several with commas between them: {', '.join((*METRICS, *LIST_METRICS))}.",
        show_default="hr, ndcg and mrr, with several test items recall and map, too; and all of lists",
    ),
]


def evaluate(
    run: RunArgument,
    k: KOption = None,
    metrics: MetricsOption = None,
    per_user: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the rank of every test item, with the metrics of its user: .parquet or .csv.",
            show_default="none",
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN2",
            help="Another run on the same held-out items, to compare with by paired tests.",
            show_default="none",
        ),
    ] = None,
    items: ItemsOption = None,
    test_history: Annotated[
        str,
        typer.Option(
            metavar="before_test|train",
            help="What is known of a user when the test item is ranked: all items before it, or, as in older figures, the "
            "training items without the validation item.",
        ),
    ] = "before_test",
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Evaluate a run on its held-out items: metrics, the lists that users get, single users, another run."""
    ks, names = tuple(k or (5, 10, 20)), _names(metrics)
    of_users = None if names is None else [name for name in names if name in METRICS]
    of_lists = LIST_METRICS if names is None else [name for name in names if name in LIST_METRICS]
    _check_asked(ks, of_users, per_user, compare, overwrite)
    console.start_tensorflow()
    from hyperml_tf.runs import Run

    loaded = Run.load(run)
    evaluation = loaded.evaluation(test_history, items_of(loaded, items, None))  # type: ignore[arg-type]  # checked there
    found: dict[str, Any] = {}
    if compare is not None:
        # First, because the rows may be others.
        other = Run.load(compare).evaluation(test_history)  # type: ignore[arg-type]
        found["comparison"] = evaluation.compare(other, ks, of_users).to_dict()
    if of_users is None or of_users:
        found |= evaluation.metrics(ks, of_users)
    if of_lists:
        found["lists"] = evaluation.lists(ks, of_lists)
    if per_user is not None:
        frame = evaluation.per_user(ks, of_users)
        _write(frame, per_user)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _show(found, test_history)
    if per_user is not None:
        users = frame["user"].nunique()
        typer.echo(f"Wrote {per_user}: {len(frame):,} test items of {users:,} users", err=as_json)


@with_settings(_TRAINING)
def crossvalidate(
    context: typer.Context,
    table: TableArgument,
    folds: Annotated[int, typer.Option(help="Number of folds.")] = 5,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the metrics to this JSON file, after each fold.", show_default="none"
        ),
    ] = None,
    metrics: MetricsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
    **_: Any,
) -> None:
    """Cross-validate settings on a table: train and test on k folds, and print means with their intervals.

    Every interaction is for test in one fold, at random. Nothing is exported.
    """
    names = _names(metrics)
    if wrong := [name for name in names or () if name not in METRICS]:
        raise ValueError(f"`--metrics` must be among {', '.join(METRICS)} here. Received: {', '.join(wrong)}")
    if folds < 2:
        raise ValueError(f"`--folds` must be at least 2. Received: {folds}")
    settings = settings_given(context, config)
    if out is not None:
        _check_file("--out", out, (".json",), overwrite)
    console.start_logging()
    data = read_and_tell(table, settings, tell_settings=False)
    console.start_tensorflow()
    from hyperml_tf.callbacks import TrainingProgress
    from hyperml_tf.runs import cross_validate

    progress = TrainingProgress(console=console.errors())
    try:
        found = cross_validate(data, folds, settings, [progress], metrics=names, out=out)
    finally:
        progress.close()
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    else:
        console.output().print(console.folds_table(found.summary(), folds))
    if out is not None:
        typer.echo(f"Wrote {out}", err=as_json)


def _names(given: list[str] | None) -> list[str] | None:
    """The metrics of an option that may be repeated, and hold several."""
    if given is None:
        return None
    names = [name.strip() for one in given for name in one.split(",") if name.strip()]
    if unknown := [name for name in names if name not in (*METRICS, *LIST_METRICS)]:
        raise ValueError(
            f"`--metrics` must be among {', '.join((*METRICS, *LIST_METRICS))}. Received: {', '.join(unknown)}"
        )
    return list(dict.fromkeys(names))


def _check_asked(
    ks: tuple[int, ...], of_users: list[str] | None, per_user: Path | None, compare: Path | None, overwrite: bool
) -> None:
    """Raises an error if options do not go together, before anything is loaded."""
    if wrong := [k for k in ks if k < 1]:
        raise ValueError(f"`--k` must be at least 1. Received: {wrong[0]}")
    if of_users is not None and not of_users and (per_user is not None or compare is not None):
        raise ValueError(
            f"`--per-user` and `--compare` require a metric of users: {', '.join(METRICS)}. Received: metrics of lists only"
        )
    if per_user is not None:
        _check_file("--per-user", per_user, _FORMATS, overwrite)
    elif overwrite:
        raise ValueError("`--overwrite` requires a file to write, `--per-user`. Received: no file")


def _check_file(option: str, path: Path, suffixes: tuple[str, ...], overwrite: bool) -> None:
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"`{option}` must end in {' or '.join(suffixes)}. Received: {str(path)!r}")
    if path.exists() and not (overwrite and path.is_file()):
        raise FileExistsError(f"`{option}` exists. Pass `--overwrite` to replace a file. Received: {str(path)!r}")


def _write(frame: pd.DataFrame, path: Path) -> None:
    with whole_file(path) as scratch:
        if path.suffix.lower() == ".parquet":
            frame.to_parquet(scratch, index=False)
        else:
            frame.to_csv(scratch, index=False)


def _show(found: dict[str, Any], test_history: str) -> None:
    output = console.output()
    if "test" in found:
        output.print(console.metrics_table(found, test_history))
    if "lists" in found:
        output.print(console.lists_table(found["lists"]))
    if "comparison" in found:
        output.print(console.comparison_table(found["comparison"]))
        output.print(found["comparison"]["meaning"])
