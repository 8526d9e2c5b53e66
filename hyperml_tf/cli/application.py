"""The application: its commands and its error handling."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from hyperml_tf import __version__
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.cli import answers, evaluation, pictures, preparing, reports, runs, serving, synthetic, tables, tuning
from hyperml_tf.cli.serve import serve

PROGRAM = "hyperml-tf"
DEBUG = "HYPERML_DEBUG"

_INTERRUPTED = 130
# How TensorFlow says which file it could not write.
_FULL = re.compile(r"(\S+); (No space left on device|Disk quota exceeded|Read-only file system)")
_EXPECTED = (ValueError, TypeError, OSError, ImportError)

app = typer.Typer(name=PROGRAM, add_completion=False, pretty_exceptions_enable=False)
app.command()(tables.inspect)
app.command()(preparing.prepare)
app.command()(runs.train)
app.command()(runs.update)
app.command()(evaluation.evaluate)
app.command()(evaluation.crossvalidate)
app.command()(tuning.tune)
app.command()(answers.recommend)
app.command()(answers.similar)
app.command()(serving.export)
app.command()(serve)
app.command()(serving.verify)
app.command()(pictures.plot)
app.command()(pictures.explore)
app.command()(reports.report)
app.command()(synthetic.synthesize)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _debug(wanted: bool) -> None:
    if wanted:
        os.environ[DEBUG] = "1"


@app.callback(invoke_without_command=True)
def hyperml(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", callback=_debug, help=f"Show tracebacks and TensorFlow's messages; also {DEBUG}=1."),
    ] = False,
) -> None:
    """Train, evaluate, query and export recommenders in hyperbolic space."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@names_arguments
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: List of strings, the command line without the name of the program. Defaults to `None`, that of the process.

    Returns:
        The exit code: 0 on success, 1 after an error, 2 after an invalid command line, 130 after an interruption. With `--debug`,
        or `HYPERML_DEBUG=1` in the environment, errors are raised instead.

    Example:

    >>> main(["--version"])
    hyperml-tf 0.1.0
    0
    """
    before = os.environ.get(DEBUG)
    arguments = None if arguments is None else list(arguments)
    try:
        code = app(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:
        if os.environ.get(DEBUG) == "1":
            raise
        return _report(error)
    finally:
        # `--debug` applies to this call only.
        os.environ.pop(DEBUG, None)
        if before is not None:
            os.environ[DEBUG] = before
    if code == _INTERRUPTED:
        typer.echo("Interrupted.", err=True)
    return code if isinstance(code, int) else 0


def _report(error: Exception) -> int:
    """Prints one line on standard error and returns the exit code."""
    typer.echo(f"Error: {_one_line(error)}", err=True)
    return int(getattr(error, "exit_code", 1))


def _one_line(error: Exception) -> str:
    # The exceptions of the command-line parser depend on the version of typer; only this method is stable.
    parser_message = getattr(error, "format_message", None)
    if parser_message is not None:
        context: Any = getattr(error, "ctx", None)
        command = context.command_path if context is not None else PROGRAM
        return f"{' '.join(parser_message().split()).rstrip('.')}; see `{command} --help`."
    if isinstance(error, OSError) and error.errno is not None:
        place = f": {error.filename}" if error.filename is not None else ""
        return f"{os.strerror(error.errno)}{place}"
    message = " ".join(str(error).split())
    if full := _FULL.search(message):
        return f"{full[2]}: {full[1]}"
    if isinstance(error, _EXPECTED):
        return message
    return f"{type(error).__name__}: {message} (`{PROGRAM} --debug ...` shows where)"
