"""Command-line options of settings, made from their declarations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperml_tf.settings import Setting, TrainingConfig, settings_of

PANELS = {"table": "The table", "model": "The model", "training": "Training"}

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Settings to start from: best.json of `tune`, or config.json of a run.", show_default=False
    ),
]

TableArgument = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE",
        help="Interactions, as CSV, JSON Lines or Parquet: a file, a folder, or a quoted pattern of names.",
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

TABLE_SETTINGS = tuple(one.name for one in settings_of(TrainingConfig).values() if one.group == "table")
"""Names of the settings of how a table is read and split."""

Command = Callable[..., None]


def with_settings(names: Collection[str] | None = None) -> Callable[[Command], Command]:
    """Decorator that replaces the `**kwargs` of a command by options for the settings of `TrainingConfig`.

    Args:
        names: Names of the settings. Defaults to `None`, all of them.
    """
    declared = [one for one in settings_of(TrainingConfig).values() if names is None or one.name in names]
    # The panels of the help appear in the order of their first options.
    options = [_parameter(one) for panel in PANELS for one in declared if one.group == panel]

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        # typer reads the options of a command from its signature.
        command.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
        return command

    return decorate


def _parameter(declared: Setting) -> inspect.Parameter:
    # A switch can be turned off, too: a file may have turned it on.
    negated = f"/--no-{declared.option[2:]}" if declared.kind is bool else ""
    option = typer.Option(
        f"{declared.option}{negated}",
        help=declared.help,
        metavar="|".join([*declared.choices, *([f"{declared.prefix}..."] if declared.prefix else [])]) or None,
        show_default=declared.auto or True,
        rich_help_panel=PANELS[declared.group],
    )
    return inspect.Parameter(
        declared.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=declared.default,
        annotation=Annotated[declared.kind | None, option],
    )


def settings_given(context: typer.Context, file: Path | None, names: Collection[str] | None = None) -> TrainingConfig:
    """Returns the settings of a file, or the defaults, overridden by the options that were given, of some names if not all."""
    start = TrainingConfig() if file is None else TrainingConfig.from_file(file)
    asked = context.params.items() if names is None else [(name, context.params[name]) for name in names]
    given = {name: value for name, value in asked if _is_given(context, name)}
    return TrainingConfig.from_dict({**start.to_dict(), **given})


def _is_given(context: typer.Context, name: str) -> bool:
    source: Any = context.get_parameter_source(name)
    return name in settings_of(TrainingConfig) and source is not None and source.name == "COMMANDLINE"
