"""The command `inspect`, and what other commands say of their table."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.options import (
    TABLE_SETTINGS,
    ConfigOption,
    JsonOption,
    TableArgument,
    settings_given,
    with_settings,
)
from hyperml_tf.settings import TrainingConfig

if TYPE_CHECKING:
    from hyperml_tf.data import Interactions
    from hyperml_tf.preparation import PreparedTable


@with_settings(TABLE_SETTINGS)
def inspect(
    context: typer.Context, table: TableArgument, config: ConfigOption = None, as_json: JsonOption = False, **_: Any
) -> None:
    """Look at a table before training: its columns, what is dropped, its statistics, and the settings for it."""
    settings = settings_given(context, config)
    # What is logged is in the report.
    console.start_logging(level=logging.ERROR)
    from hyperml_tf.data import inspect_table
    from hyperml_tf.runs import reading

    data = reading.opened(table, settings)
    settings = reading.as_read(settings, data)
    found = inspect_table(reading.loaded(data, settings), settings)
    typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) if as_json else str(found))


def read_and_tell(table: Path, settings: TrainingConfig, tell_settings: bool = True) -> Interactions:
    """Reads a table, and says on standard error in three lines what was taken for what, what was kept, and the settings.

    Args:
        table: Path of the table.
        settings: The settings.
        tell_settings: Boolean, whether to say the third line. Defaults to `True`.
    """
    from hyperml_tf.data import inspect_table
    from hyperml_tf.runs import reading

    found = reading.opened(table, settings)
    settings = reading.as_read(settings, found)
    data = reading.loaded(found, settings)
    # What is noted was logged when the table was read.
    logger = logging.getLogger("hyperml_tf")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        summary = inspect_table(data, settings).summary()
    finally:
        logger.setLevel(level)
    for line in summary[: 3 if tell_settings else 2]:
        typer.echo(line, err=True)
    return data


def open_and_tell(table: Path, settings: TrainingConfig) -> Interactions | PreparedTable:
    """Opens a prepared table, and says on standard error in a line what it holds; or reads another one, see `read_and_tell`."""
    from hyperml_tf.preparation import PreparedTable
    from hyperml_tf.preparation.manifest import is_prepared

    if not is_prepared(table):
        return read_and_tell(table, settings)
    prepared = PreparedTable.open(table)
    typer.echo(described(prepared), err=True)
    return prepared


def described(table: PreparedTable) -> str:
    """Returns what a prepared table holds, in a sentence."""
    manifest = table.manifest
    return (
        f"{table.path}: {len(table):,} pairs of {table.n_users:,} users and {table.n_items:,} items in {len(table.shards)} "
        f"shards; {manifest.total('train_rows'):,} to train on, {manifest.total('evaluated'):,} users to evaluate (split "
        f"{manifest.split}); prepared from {manifest.origin.table}."
    )
