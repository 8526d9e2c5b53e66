"""The engine that prepares tables: DuckDB, within a limit of memory."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
# The engine counts the pages that it manages, not all that the process holds: the rest is for the libraries and the sort of a
# shard.
_SHARE, _REST, _LEAST = 0.75, 600 * 2**20, 128 * 2**20


def bytes_of(size: str | int, name: str) -> int:
    """Converts a size such as "6GiB" to bytes.

    Args:
        size: a number of bytes, or text with a unit: KB, MB, GB, TB, KiB, MiB, GiB or TiB.
        name: the name of the argument, for error messages.

    Raises:
        ValueError: if it is not such a size.

    Example:

    >>> bytes_of("1.5GiB", "memory")
    1610612736
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(size))
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None or not 0 < float(match[1]) * unit < 2**63:
        raise ValueError(f"`{name}` must be a size such as '4GiB' or '800MB'. Received: {size!r}")
    return int(float(match[1]) * unit)


def engine_bytes(memory: str | int) -> int:
    """Returns the part that the engine may take of the memory of a process."""
    return max(_LEAST, int(_SHARE * max(bytes_of(memory, "memory") - _REST, 0)))


@contextlib.contextmanager
def engine(folder: Path, memory: int) -> Iterator[Any]:
    """Context manager that yields a connection to an empty database in a folder, in which it also spills.

    Args:
        folder: a directory that exists and that the caller removes.
        memory: the bytes that the whole process may take; the engine gets a part of them.

    Raises:
        ImportError: if DuckDB is not installed.
    """
    duckdb = _duckdb()
    limit = engine_bytes(memory)
    connection = duckdb.connect(str(folder / "engine.duckdb"))
    try:
        connection.execute(f"SET memory_limit = '{limit // 2**20}MiB'")
        connection.execute(f"SET temp_directory = {quoted(str(folder / 'spilled'))}")
        # Rows keep the order of the files, which `rowid` then is.
        connection.execute("SET preserve_insertion_order = true")
        connection.execute("SET enable_progress_bar = false")
        yield connection
    finally:
        connection.close()


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise ImportError(
            "`prepare` requires DuckDB, which the extra `prepare` installs: `pip install 'hyperml-tf[prepare]'`. "
            f"Received: {error}"
        ) from error
    return duckdb


def quoted(text: str) -> str:
    """Returns a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def named(column: str) -> str:
    """Returns the name of a column as an identifier of SQL."""
    return '"' + column.replace('"', '""') + '"'
