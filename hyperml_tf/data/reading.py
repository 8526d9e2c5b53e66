"""Reads the three columns that matter from a CSV, TSV or Parquet file, without losing a digit of an identifier."""

from __future__ import annotations

import csv
import io
import lzma
import os
import zipfile
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from hyperml_tf.data.columns import ColumnChoice, find_columns

_TEXT = (".csv", ".tsv", ".tab", ".txt")
_PARQUET = (".parquet", ".pq")
_COMPRESSED = (".gz", ".bz2", ".zst", ".xz", ".zip")
_SEPARATORS = (",", "\t", ";", "|")

Columns = tuple[Hashable, Hashable, Hashable | None]


def read_table(
    path: str | os.PathLike[str],
    user_column: str | None,
    item_column: str | None,
    order_column: ColumnChoice,
    separator: str | None,
) -> tuple[pd.DataFrame, Columns, bool]:
    """Reads the user, item and order columns of a file.

    Returns:
        The table, the labels of its user, item and order columns (the last may be None), and whether the identifiers come
        from text, where 7 and "7" cannot be told apart.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is a directory, has a suffix that is not known, cannot be read, or lacks a column.
    """
    file = Path(path)
    if file.is_dir():
        raise ValueError(f"`path` must be a file, not a directory. Received: {str(path)!r}")
    if not file.exists():
        raise FileNotFoundError(f"`path` must be a file that exists. Received: {str(path)!r}")
    suffixes = [suffix.lower() for suffix in file.suffixes]
    compressed = bool(suffixes) and suffixes[-1] in _COMPRESSED
    kind = (suffixes[:-1] if compressed else suffixes)[-1:]
    if kind and kind[0] in _PARQUET and not compressed:
        read: Any = _read_parquet
    elif (kind and kind[0] in _TEXT) or (compressed and not kind):
        read = _read_text
    else:
        raise ValueError(
            f"`path` must end in one of {', '.join(_TEXT)} (and then, if compressed, in one of {', '.join(_COMPRESSED)}) "
            f"or in one of {', '.join(_PARQUET)}. Received: {str(path)!r}"
        )
    if file.stat().st_size == 0:
        raise ValueError(f"`path` must be a table with a header. Received: {str(path)!r}, which is empty")
    return read(file, (user_column, item_column, order_column), separator)


def _read_parquet(
    file: Path, wanted: tuple[str | None, str | None, ColumnChoice], separator: str | None
) -> tuple[pd.DataFrame, Columns, bool]:
    try:
        names = pyarrow.parquet.read_schema(file).names
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, "Parquet", error) from error
    columns = find_columns(names, *wanted)
    try:
        table = pyarrow.parquet.read_table(file, columns=[column for column in columns if column is not None])
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, "Parquet", error) from error
    return _to_frame(table), columns, False


def _to_frame(table: Any) -> pd.DataFrame:
    """The table as a data frame; column by column the one becomes the other, so that both are never held."""
    # Integers beside missing values would otherwise pass through floats, which are exact only to 2^53.
    missing = any(column.null_count for column in table.columns)
    return table.to_pandas(
        ignore_metadata=True,
        date_as_object=False,
        types_mapper=_NULLABLE.get if missing else None,
        split_blocks=True,
        self_destruct=True,
    )


_NULLABLE = {
    pa_type: pandas_type()
    for pa_type, pandas_type in (
        (pa.int8(), pd.Int8Dtype),
        (pa.int16(), pd.Int16Dtype),
        (pa.int32(), pd.Int32Dtype),
        (pa.int64(), pd.Int64Dtype),
        (pa.uint8(), pd.UInt8Dtype),
        (pa.uint16(), pd.UInt16Dtype),
        (pa.uint32(), pd.UInt32Dtype),
        (pa.uint64(), pd.UInt64Dtype),
    )
}


def _read_text(
    file: Path, wanted: tuple[str | None, str | None, ColumnChoice], separator: str | None
) -> tuple[pd.DataFrame, Columns, bool]:
    try:
        with _open(file) as stream:
            header = _first_line(stream)
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise _unreadable(file, "text in UTF-8", error) from error
    if separator is None:
        separator = _guess_separator(file, header)
    names = next(csv.reader([header], delimiter=separator), [])
    columns = find_columns(names, *wanted)
    used = [str(column) for column in columns if column is not None]
    try:
        with _open(file) as stream:
            table = pyarrow.csv.read_csv(
                stream,
                parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=used,
                    column_types={name: pa.string() for name in used},
                    # Only an empty field is missing: "NA" and "null" can be identifiers.
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
    except (pa.ArrowException, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise _unreadable(file, f"text separated by {separator!r}", error) from error
    if columns[2] is not None:
        place = used.index(str(columns[2]))
        table = table.set_column(place, used[place], _as_numbers(table.column(place)))
    for place in range(2):
        table = table.set_column(place, used[place], _as_integers(table.column(place)))
    return _to_frame(table), columns, True


def _as_integers(column: Any) -> Any:
    """Text as integers where every identifier survives that exactly, checked without a text made for any of them."""
    try:
        numbers = pyarrow.compute.cast(column, pa.int64())
    except pa.ArrowInvalid:
        return column
    # Of all that is read as a number in decimal digits the usual spelling is the shortest: "007" and "+7" are longer than 7.
    texts = [_text(chunk) for chunk in column.chunks]
    if any(text.max(initial=0) > ord("9") for text in texts):
        return column
    length = sum(_length_as_text(chunk.drop_null().to_numpy()) for chunk in numbers.chunks)
    return numbers if length == sum(text.size for text in texts) else column


def _text(chunk: Any) -> np.ndarray:
    """All characters of an array of text, one after the other, as bytes."""
    _, offsets, characters = chunk.buffers()
    if characters is None:
        return np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    return np.frombuffer(characters, np.uint8)[places[0] : places[-1]]


def _length_as_text(numbers: np.ndarray) -> int:
    """How many characters the numbers have in all, int64 in decimal digits."""
    low, high = numbers.min(initial=0), numbers.max(initial=0)
    length = len(numbers) + np.count_nonzero(numbers < 0)
    for power in (np.int64(10**digits) for digits in range(1, 19)):
        if power <= high:
            length += np.count_nonzero(numbers >= power)
        if -power >= low:
            length += np.count_nonzero(numbers <= -power)
    return int(length)


def _as_numbers(column: Any) -> Any:
    """Text as integers or floats where all of it is; it is read again with more patience, and messages, otherwise."""
    for dtype in (pa.int64(), pa.float64()):
        try:
            return pyarrow.compute.cast(column, dtype)
        except pa.ArrowInvalid:
            continue
    return column


def _open(file: Path) -> Any:
    suffix = file.suffix.lower()
    if suffix == ".xz":
        return lzma.open(file, "rb")
    if suffix == ".zip":
        return _open_zip(file)
    compression = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}.get(suffix)
    return pa.input_stream(str(file), compression=compression)


def _open_zip(file: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.namelist() if not member.endswith("/") and "__MACOSX" not in member]
    if len(members) != 1:
        raise ValueError(f"`path` must be a zip archive of exactly one file. Received: {str(file)!r} with {members}")
    return zipfile.ZipFile(file).open(members[0])


def _first_line(stream: Any) -> str:
    with io.BufferedReader(stream) as buffered:
        return buffered.readline().decode("utf-8-sig").rstrip("\r\n")


def _guess_separator(file: Path, header: str) -> str:
    if any(suffix.lower() in (".tsv", ".tab") for suffix in file.suffixes[-2:]):
        return "\t"
    counts = Counter({separator: header.count(separator) for separator in _SEPARATORS})
    return counts.most_common(1)[0][0]


def _unreadable(file: Path, what: str, error: Exception) -> ValueError:
    return ValueError(f"`path` could not be read as {what}: {error}. Received: {str(file)!r}")
