"""The command that searches for good settings: `tune`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.options import ConfigOption, settings_given

LOG = "search.log"


def tune(
    context: typer.Context,
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Interactions, as CSV, CSV.gz or Parquet.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The directory to write; an interrupted search goes on.")],
    tuner: Annotated[
        str, typer.Option(metavar="bayesian|random|hyperband|grid", help="How settings are chosen.")
    ] = "bayesian",
    max_trials: Annotated[
        int | None,
        typer.Option(help="How many trials.", show_default="30; with hyperband and grid all there are"),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="space.yaml",
            help="Settings to fix, narrow or add; see docs/tuning.md.",
            show_default="the default space",
        ),
    ] = None,
    objective: Annotated[
        str, typer.Option(help="What to maximize on validation: val_sampled100_ or val_full_, then ndcg@10 or hr@10.")
    ] = "val_sampled100_ndcg@10",
    user_column: Annotated[str | None, typer.Option(help="Column of users; found by the usual names.")] = None,
    item_column: Annotated[str | None, typer.Option(help="Column of items; found by the usual names.")] = None,
    order_column: Annotated[
        str | None, typer.Option(help="Column that orders the rows of a user; found by the usual names.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="last|random", help="Which two items a user are held out.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the table, of the longest trials.")] = None,
    validate_every: Annotated[int, typer.Option(help="Epochs between validations.")] = 2,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same search.")] = None,
    config: ConfigOption = None,
) -> None:
    """Search for good settings, on validation items; `train --config DIR/best.json` uses them.

    With KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT in the environment the process is the chief or a
    worker of a search in several processes.
    """
    from hyperml_tf.cli.search_progress import SearchProgress

    # Before keras-tuner's output is led to a file.
    terminal = console.errors_now()
    console.start_tensorflow(terminal)
    from hyperml_tf.tuning.space import Space
    from hyperml_tf.tuning.tune import tune_table

    settings = settings_given(context, config)
    searched = Space.default() if space is None else Space.from_yaml(space)
    with SearchProgress(terminal, max_trials) as progress, _quiet(out), _plain_failure():
        result = tune_table(
            table,
            out,
            tuner,  # type: ignore[arg-type]  # it is checked there
            max_trials,
            searched,
            settings,
            objective,
            validate_every,
            listener=progress,
        )
    if result is None:
        typer.echo("This worker has done its part; the chief writes the result.")
        return
    console.output().print(progress.final_table(result.trials, objective))
    typer.echo(f"Wrote {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    typer.echo(f"Next: hyperml-tf train {table} --config {out / 'best.json'} --out RUN")


@contextlib.contextmanager
def _plain_failure() -> Iterator[None]:
    """A search whose trials all failed is no defect of the program: its error names the causes, and needs no traceback."""
    from hyperml_tf.tuning import errors

    try:
        yield
    except errors.FatalRuntimeError as error:
        raise ValueError(str(error)) from error


@contextlib.contextmanager
def _quiet(out: Path) -> Iterator[None]:
    """Leads what keras-tuner and its like print into a file beside the trials, once there is a directory for it."""
    if os.environ.get("HYPERML_DEBUG") == "1":
        yield
        return
    sink: Any = _LateFile(out / LOG)
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        yield


class _LateFile:
    """A file that is opened when its directory exists; what comes before that is dropped, as is what a full disk cannot take."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str) -> int:
        if self.path.parent.is_dir():
            with contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
                file.write(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """It is a file."""
        return False
