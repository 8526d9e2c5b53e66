"""Reading the columns of a table from a file, or from several."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from hyperml_tf._argument_checks import as_path
from hyperml_tf.data.columns import Columns
from hyperml_tf.data.compressed import COMPRESSED
from hyperml_tf.data.json_file import JsonLinesFile
from hyperml_tf.data.parquet_file import ParquetFile
from hyperml_tf.data.tabular import arrow_to_pandas
from hyperml_tf.data.text_file import TextFile, typed

_TEXT = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".inter")
_JSON = (".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")

_File = TextFile | JsonLinesFile | ParquetFile
Choose = Callable[[list[str]], Columns]


def read_table(
    path: str | os.PathLike[str],
    choose: Choose,
    separator: str | None = None,
    columns: Sequence[str] | str | None = None,
) -> tuple[pd.DataFrame, Columns]:
    """Reads text, JSON Lines or Parquet, depending on the suffix.

    Args:
        path: a file, a folder of files, or a pattern of their names.
        choose: returns the columns to read, given the names of all columns.
        separator: the character between the fields of text; None to detect it.
        columns: the names of the columns of text without a header.

    Returns:
        A data frame of these columns, and their labels.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file is empty, has an unknown suffix, cannot be read, or lacks a column.
    """
    names = given_names(columns)
    files = [_opened(file, folders, separator, names) for file, folders in files_of(path)]
    first = files[0]
    try:
        chosen = choose(first.names)
    except ValueError as error:
        if len(files) == 1 and isinstance(first, TextFile) and (headless := first.without_header()):
            raise headless from error
        if len(files) > 1:
            raise ValueError(
                f"{error} (in {str(first.file)!r}, the first of {len(files)} files in {str(path)!r})"
            ) from error
        raise
    used = [str(label) for label in chosen.used]
    for other in files[1:]:
        if missing := [name for name in used if name not in other.names]:
            raise ValueError(
                f"`path` must be the files of one table, which all have the columns {', '.join(map(repr, used))}. Give one file, "
                f"or a pattern such as '*.csv', of {', '.join(one.file.name for one in files[:10])}. "
                f"Received: {str(other.file)!r} without {', '.join(map(repr, missing))}"
            )
    parts = [file.read(used) for file in files]
    try:
        table = parts.pop() if len(parts) == 1 else pa.concat_tables(parts, promote_options="permissive")
    except pa.ArrowException as error:
        raise ValueError(f"`path` must be the files of one table. {error}. Received: {str(path)!r}") from error
    parts.clear()
    if isinstance(first, TextFile):
        table = typed(table, chosen)
    return arrow_to_pandas(table), chosen


def files_of(path: str | os.PathLike[str]) -> list[tuple[Path, tuple[str, ...]]]:
    """Returns the files of a table in the order of their names, each with the names of the folders below `path` in which it is.

    Args:
        path: a file, a folder or a pattern, see `read_table`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a folder or a pattern has no file of a known suffix, or files of several kinds.
    """
    file = as_path(path=path)
    if file.is_file():
        return [(file, ())]
    if file.is_dir():
        inside = sorted(one for one in file.rglob("*") if one.is_file())
        found = [(one, one.relative_to(file).parts[:-1]) for one in inside]
        # As Spark and Hive do: other files are marks and temporary ones.
        found = [one for one in found if not any(part[0] in "._" for part in (*one[1], one[0].name))]
        found = [one for one in found if kind_of(one[0])]
    else:
        matching = sorted(glob.glob(os.fspath(path), recursive=True)) if glob.has_magic(os.fspath(path)) else []
        found = [(Path(one), ()) for one in matching if Path(one).is_file()]
        if not found:
            raise FileNotFoundError(f"`path` must be a file that exists. Received: {str(path)!r}")
    kinds = sorted({kind for one, _ in found if (kind := kind_of(one))})
    if len(kinds) != 1:
        raise ValueError(
            f"`path` must be a file, or hold files of one kind: {_suffixes()}. "
            f"Received: {str(path)!r} with {' and '.join(kinds) or 'no such file'}"
        )
    return found


def _opened(file: Path, folders: tuple[str, ...], separator: str | None, columns: list[str] | None) -> _File:
    kind = kind_of(file)
    if not kind:
        raise ValueError(f"`path` must end in {_suffixes()}. Received: {str(file)!r}")
    for name, value in (("separator", separator), ("columns", columns)):
        if value is not None and kind != "text":
            raise ValueError(
                f"`{name}` must be None unless the file is text. Received: {name}={value!r} for {str(file)!r}"
            )
    if file.stat().st_size == 0:
        raise ValueError(f"`path` must be a table with a header. Received: {str(file)!r}, which is empty")
    if kind == "Parquet":
        return ParquetFile.open(file, folders)
    return JsonLinesFile.open(file) if kind == "JSON Lines" else TextFile.open(file, separator, columns)


def kind_of(file: Path) -> str:
    """ "text", "JSON Lines" or "Parquet" by the suffixes of a file; empty for another one."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    compressed = bool(suffixes) and suffixes[-1] in COMPRESSED
    [suffix] = (suffixes[:-1] if compressed else suffixes)[-1:] or [""]
    if suffix in _PARQUET:
        return "" if compressed else "Parquet"
    if suffix in _JSON:
        return "JSON Lines"
    return "text" if suffix in _TEXT or (compressed and not suffix) else ""


def _suffixes() -> str:
    return (
        f"one of {', '.join((*_TEXT, *_JSON))} (and then, if compressed, in one of {', '.join(COMPRESSED)}) "
        f"or in one of {', '.join(_PARQUET)}"
    )


def given_names(columns: Sequence[str] | str | None) -> list[str] | None:
    if columns is None:
        return None
    names = (
        [name.strip() for name in columns.split(",")] if isinstance(columns, str) else [str(name) for name in columns]
    )
    if not all(names) or len(set(names)) != len(names):
        raise ValueError(
            f"`columns` must be distinct names, in the order of the columns, such as 'user,item,rating'. Received: {columns!r}"
        )
    return names
