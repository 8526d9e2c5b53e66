"""Where the rows of a run come from: a table, or a directory that `prepare` wrote."""

from __future__ import annotations

import logging
import os

from hyperml_tf._argument_checks import as_path
from hyperml_tf.data import Interactions
from hyperml_tf.data.splits import TIME
from hyperml_tf.preparation import PreparedTable
from hyperml_tf.preparation.manifest import is_prepared
from hyperml_tf.settings import TrainingConfig

logger = logging.getLogger(__name__)

Table = str | os.PathLike[str] | Interactions | PreparedTable


def opened(table: Table, config: TrainingConfig) -> Interactions | PreparedTable:
    """Reads a table, or opens a prepared one, which stays on the disk.

    Args:
        table: Path of a table or of a prepared one, or one of both.
        config: A `TrainingConfig`, the settings of how tables are read.

    Raises:
        FileNotFoundError: If there is no such table.
        ValueError: If the table is invalid, or a prepared one was read with other settings.
    """
    if not isinstance(table, (Interactions, PreparedTable)):
        path = as_path(table=table)
        table = PreparedTable.open(path) if is_prepared(path) else Interactions.from_file(path, **config.reading())
    if isinstance(table, PreparedTable):
        _check_reading(table, config)
    return table


def loaded(table: Table, config: TrainingConfig) -> Interactions:
    """Returns all rows of a table, prepared or not; see `opened`."""
    found = opened(table, config)
    return found.interactions() if isinstance(found, PreparedTable) else found


def as_read(config: TrainingConfig, table: Interactions | PreparedTable) -> TrainingConfig:
    """Returns the settings with those by which a prepared table was read, and split at a time."""
    if isinstance(table, Interactions):
        return config
    split = table.manifest.split
    kept = config.split == "none" or not split.startswith(TIME)
    return TrainingConfig.from_dict(
        {**config.to_dict(), **table.manifest.options, "split": config.split if kept else split}
    )


def streams(table: PreparedTable, stream: bool | None) -> bool:
    """Whether a run reads a prepared table shard by shard; says so.

    Args:
        table: A `PreparedTable`.
        stream: Boolean; `None` to choose by the size of the table and of the memory.
    """
    needed, available = table.bytes_in_memory, _memory()
    chosen = needed > available / 2 if stream is None else stream
    logger.info(
        "%s: with all of its rows in memory, training would take about %.1f GB of %.1f.",
        "Reading the table shard by shard" if chosen else "Loading the table",
        needed / 1e9,
        available / 1e9,
    )
    return chosen


def _memory() -> int:
    """The bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return 8 * 10**9


def _check_reading(table: PreparedTable, config: TrainingConfig) -> None:
    read = table.manifest.options
    for name, value in config.reading().items():
        if value is not None and value != read.get(name) and value != table.manifest.origin.columns.get(name[:-7]):
            raise ValueError(
                f"`{name}` must be that by which the table was prepared, or not be given: prepare it again for another. "
                f"Received: {name}={value!r}, and {str(table.path)!r} prepared with {read.get(name)!r}"
            )
    split = table.manifest.split
    if config.split.startswith(TIME) and config.split != split:
        raise ValueError(
            "A prepared table is split at the time that it was prepared with: prepare it again for another. "
            f"Received: split={config.split!r}, and a table prepared with split={split!r}"
        )
    if split.startswith(TIME) and config.split == "random":
        raise ValueError(
            f'`split` must be {split!r} or "none" for a table that was prepared so. Received: split={config.split!r}'
        )
