"""The command for hyperparameter search: `tune`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.options import TABLE_SETTINGS, ConfigOption, TableArgument, settings_given, with_settings
from hyperml_tf.cli.tables import read_and_tell

LOG = "search.log"


@with_settings((*TABLE_SETTINGS, "epochs", "seed"))
def tune(
    context: typer.Context,
    table: TableArgument,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The directory to write; an interrupted search in it is resumed.")
    ],
    tuner: Annotated[
        str, typer.Option(metavar="bayesian|random|hyperband|grid", help="The search algorithm.")
    ] = "bayesian",
    max_trials: Annotated[
        int | None,
        typer.Option(help="The number of trials.", show_default="30; all with hyperband and grid"),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="space.yaml",
            help="Hyperparameters to fix, narrow or add; see docs/tuning.md.",
            show_default="the default search space",
        ),
    ] = None,
    objective: Annotated[
        str,
        typer.Option(help="The validation metric to maximize: val_sampled100_ or val_full_, then ndcg@10 or hr@10."),
    ] = "val_sampled100_ndcg@10",
    validate_every: Annotated[int, typer.Option(help="Epochs between validations.")] = 2,
    config: ConfigOption = None,
    **_: Any,
) -> None:
    """Search for good hyperparameters on validation items; `train --config DIR/best.json` uses them.

    With KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT in the environment, the process is the chief or a
    worker of a distributed search.
    """
    from hyperml_tf.cli.search_progress import SearchProgress
    from hyperml_tf.cli.trials_table import finished_search

    settings = settings_given(context, config)
    # Before `_quiet` redirects standard error to a file.
    terminal = console.errors_now()
    console.start_logging(terminal)
    data = read_and_tell(table, settings)
    console.start_tensorflow(terminal)
    from hyperml_tf.tuning import SearchSpace, tune_table

    search_space = SearchSpace.default() if space is None else SearchSpace.from_yaml(space)
    with SearchProgress(terminal, max_trials) as progress, _quiet(out), _errors_without_traceback():
        result = tune_table(
            data,
            out,
            tuner,  # type: ignore[arg-type]  # `tune_table` checks it
            max_trials,
            search_space,
            settings,
            objective,
            validate_every,
            listener=progress,
        )
    if result is None:
        typer.echo("This worker has finished; the chief writes the result.")
        return
    console.output().print(finished_search(result.trials, objective))
    typer.echo(f"Wrote {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    typer.echo(f"Next: hyperml-tf train {table} --config {out / 'best.json'} --out RUN")


@contextlib.contextmanager
def _errors_without_traceback() -> Iterator[None]:
    """The error that ends a search without one success names the causes: it is shown as a message, without a traceback."""
    from hyperml_tf.tuning import errors

    try:
        yield
    except errors.FatalRuntimeError as error:
        raise ValueError(str(error)) from error


@contextlib.contextmanager
def _quiet(out: Path) -> Iterator[None]:
    """Redirects what keras-tuner and other libraries print to a log file beside the trials."""
    if os.environ.get("HYPERML_DEBUG") == "1":
        yield
        return
    sink: Any = _LateFile(out / LOG)
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        yield


class _LateFile:
    """A log file in a directory that may not exist yet. Until it does, and when the disk is full, text is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str) -> int:
        if self.path.parent.is_dir():
            with contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
                file.write(text)
        return len(text)

    def flush(self) -> None:
        """Does nothing: nothing is buffered."""

    def isatty(self) -> bool:
        """Returns `False`."""
        return False
