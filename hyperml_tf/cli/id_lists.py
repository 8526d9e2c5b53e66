"""Ids given on the command line, one by one or as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import numpy as np


def read_ids(given: list[str]) -> list[str]:
    """Returns the ids of an option that may be repeated: each value is an id, or a file with one id per line.

    Empty lines are left out, as is the byte order mark that some editors write.

    Args:
        given: The values of the option.

    Raises:
        ValueError: If a file is not text in UTF-8.
    """
    ids: list[str] = []
    for value in given:
        ids += _lines(Path(value)) if _is_file(value) else [value]
    return ids


def known_ids(names: list[str], catalogue: np.ndarray, option: str) -> list[int] | list[str]:
    """Returns those of some ids that are in a catalogue, in its dtype. The others are named on standard error.

    Args:
        names: Ids as text.
        catalogue: The known ids, int64 or an object array of `str`.
        option: String, name of the option, for the message.
    """
    by_name = {str(value): value for value in catalogue.tolist()}
    if unknown := [name for name in names if name not in by_name]:
        typer.echo(f"Note: unknown items in {option} are ignored: {mentioned(unknown)}", err=True)
    return [by_name[name] for name in names if name in by_name]


def users_in_dtype(names: list[str], known: np.ndarray) -> list[int] | list[str]:
    """Returns user ids in the dtype of the known ones.

    Args:
        names: Ids as text.
        known: The known ids, int64 or an object array of `str`.

    Raises:
        ValueError: If the known ids are integers, and one of the names is none.
    """
    if known.dtype.kind != "i":
        return names
    try:
        return [int(name) for name in names]
    except ValueError:
        wrong = next(name for name in names if not name.lstrip("-").isdecimal())
        raise ValueError(f"Users must be integers, as those of the run are. Received: {wrong!r}") from None


def mentioned(names: list[str]) -> str:
    """Returns the first few of some names for a message, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return False


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"`{path}` must be text in UTF-8, with one id per line. Received: {error}") from error
    return [line for line in text.split("\n") if line]
