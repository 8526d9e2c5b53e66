"""Reading columns of a CSV or TSV file."""

from __future__ import annotations

import contextlib
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from hyperml_tf.data.columns import Columns
from hyperml_tf.data.quotes import unclosed_quote
from hyperml_tf.data.tabular import arrow_to_pandas

COMPRESSED = (".gz", ".bz2", ".zst", ".xz", ".zip")
"""The suffixes of compressed files."""

_SEPARATORS = (",", "\t", ";", "|")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# Bytes read at once. A row must fit into a block, so blocks grow where one does not.
_BLOCK, _LARGEST_BLOCK = 1 << 20, 1 << 30
_UNREADABLE = (
    *(pa.ArrowException, OSError, EOFError, UnicodeDecodeError, lzma.LZMAError, zlib.error, zipfile.BadZipFile),
    RuntimeError,  # what zipfile raises for an encrypted archive
)


def read_text(
    file: Path, choose: Callable[[list[str]], Columns], separator: str | None
) -> tuple[pd.DataFrame, Columns]:
    """Reads columns of a text file.

    A column of identifiers becomes integers only if that is reversible for all of them. Empty fields are missing values.

    Args:
        file: a file in UTF-8 with a header, compressed if its suffix is one of `COMPRESSED`.
        choose: returns the columns to read, given the names of all columns.
        separator: the character between fields; None to detect it from the header.

    Returns:
        A data frame of these columns, and their names.

    Raises:
        ValueError: if the file cannot be read, the number of fields differs between rows, or a quoted field is not closed.
    """
    if separator is not None:
        _check_separator(separator)
    try:
        with _opened(file) as stream:
            header = _header(stream)
        separator = _guess_separator(file, header) if separator is None else separator
        names = _names(header, separator)
    except _UNREADABLE as error:
        raise _unreadable(file, "text in UTF-8", error) from error
    columns = choose(names)
    used = [str(column) for column in columns if column is not None]
    # The header must fit into one block.
    table = _read_columns(file, separator, used, max(_BLOCK, 2 * len(header)))
    for place, column in enumerate(used):
        parsed = _as_integers(table.column(place)) if place < 2 else _as_numbers(table.column(place))
        table = table.set_column(place, column, parsed)
    return arrow_to_pandas(table), columns


def _check_separator(separator: str) -> None:
    if len(separator) != 1 or not separator.isascii() or separator in '"\r\n':
        raise ValueError(
            "`separator` must be one ASCII character other than a quote and a line break. Received: "
            f"{separator!r}. Read such a file with `pandas.read_csv(path, sep=..., engine='python')` and use `from_frame`"
        )


def _header(stream: Any) -> bytes:
    """The first line that is not empty, without its line break. Quoted names may contain line breaks."""
    # The separator is not known yet, so a quote after any of the usual ones starts a quoted name.
    end = re.compile(rb'(?:(?<![^,;|\t\r\n])"(?:[^"]|"")*"|[^\r\n])+')
    text = b""
    while block := bytes(stream.read(_BLOCK)):
        text = (text + block).removeprefix(_BYTE_ORDER_MARK).lstrip(b"\r\n")
        line = end.match(text)
        if line is not None and line.end() < len(text):
            return line[0]
    return text


def _guess_separator(file: Path, header: bytes) -> str:
    """A tab for files with the suffix of TSV, and otherwise the separator that is most frequent in the header."""
    if any(suffix.lower() in (".tsv", ".tab") for suffix in file.suffixes[-2:]):
        return "\t"
    return max(_SEPARATORS, key=lambda separator: header.count(separator.encode()))


def _names(header: bytes, separator: str) -> list[str]:
    """The names in a header, as pyarrow parses them."""
    if header.startswith(_UTF_16):
        raise pa.ArrowInvalid("it is UTF-16; save it as UTF-8")
    most = header.count(separator.encode()) + 1
    table = pyarrow.csv.read_csv(
        io.BytesIO(header + b"\n"),
        read_options=pyarrow.csv.ReadOptions(
            autogenerate_column_names=True, block_size=max(_BLOCK, len(header) + 2), use_threads=False
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types={f"f{place}": pa.string() for place in range(most)}),
    )
    return [str(column[0]) for column in table.columns]


def _read_columns(file: Path, separator: str, used: list[str], block_size: int) -> pa.Table:
    """The columns as text.

    Raises:
        ValueError: as `read_text`.
    """
    error: Exception | None = None
    try:
        table, lines = _read_csv(file, separator, used, pa.string(), block_size)
    except _UNREADABLE as caught:
        error = caught
    # Usually each row, and the header, is one line. Otherwise there are empty lines, or line breaks in quoted fields.
    if error is not None or lines != table.num_rows + 1:
        _check_quotes(file, separator)
    if error is None:
        return table
    if "invalid UTF8" in str(error):
        error = _undecodable(file, separator, used, block_size) or error
    raise _unreadable(file, f"text separated by {separator!r}", error) from error


def _read_csv(file: Path, separator: str, used: list[str], dtype: pa.DataType, block_size: int) -> tuple[pa.Table, int]:
    """The columns as strings of the given type, and the number of lines of the file."""
    with _opened(file) as stream:
        counted = _LineCounter(stream)
        try:
            table = pyarrow.csv.read_csv(
                counted,
                read_options=pyarrow.csv.ReadOptions(block_size=block_size),
                parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=used,
                    column_types=dict.fromkeys(used, dtype),
                    # Only an empty field is missing: "NA" and "null" can be identifiers.
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block_size >= _LARGEST_BLOCK:
                raise
        else:
            return table, counted.lines
    # A row is longer than a block, because of an unclosed quote or of a very long field.
    _check_quotes(file, separator)
    return _read_csv(file, separator, used, dtype, 32 * block_size)


class _LineCounter(io.RawIOBase):
    """A stream that counts the lines that are read from it. The last one need not end with a line break."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._read = getattr(stream, "read_buffer", stream.read)  # `read_buffer` of Arrow streams does not copy
        self._open_line = 0
        self._breaks = 0

    @property
    def lines(self) -> int:
        return self._breaks + self._open_line

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> Any:
        block = self._read(size)
        text = np.frombuffer(block, np.uint8)
        if len(text):
            self._breaks += int(np.count_nonzero(text == ord("\n")))
            self._open_line = int(text[-1] != ord("\n"))
        return block


def _check_quotes(file: Path, separator: str) -> None:
    with _opened(file) as stream:
        found = unclosed_quote(stream, separator)
    if found is not None:
        line, field = found
        raise ValueError(
            f"`path` must close every quoted field with a quote before a separator or a line break. The field that starts in "
            f"line {line} is not closed, and would include the following rows. Received: {field!r} in {str(file)!r}"
        )


def _undecodable(file: Path, separator: str, used: list[str], block_size: int) -> Exception | None:
    """An error that names the first value that is not UTF-8."""
    table, _ = _read_csv(file, separator, used, pa.binary(), block_size)
    for name, column in zip(used, table.columns, strict=True):
        for row, value in enumerate(column.to_pylist()):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                return ValueError(f"the column {name!r} holds {value!r} in row {row} (rows count from 0), not UTF-8")
    return None


def _as_integers(column: Any) -> Any:
    """Converts text to integers if that is reversible for all values, which is checked without converting back."""
    try:
        numbers = pyarrow.compute.cast(column, pa.int64())
    except pa.ArrowInvalid:
        return column
    # The usual spelling of an integer is the shortest: "007" and "+7" are longer than "7".
    texts = [_characters(chunk) for chunk in column.chunks]
    if any(text.max(initial=0) > ord("9") for text in texts):
        return column
    length = sum(_length_as_text(chunk.drop_null().to_numpy()) for chunk in numbers.chunks)
    return numbers if length == sum(text.size for text in texts) else column


def _characters(chunk: Any) -> np.ndarray:
    """The concatenated characters of a string array, as bytes."""
    _, offsets, characters = chunk.buffers()
    if characters is None:
        return np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    return np.frombuffer(characters, np.uint8)[places[0] : places[-1]]


def _length_as_text(numbers: np.ndarray) -> int:
    """The total number of characters of int64 numbers in decimal notation."""
    low, high = numbers.min(initial=0), numbers.max(initial=0)
    length = len(numbers) + np.count_nonzero(numbers < 0)
    for power in (np.int64(10**digits) for digits in range(1, 19)):
        if power <= high:
            length += np.count_nonzero(numbers >= power)
        if -power >= low:
            length += np.count_nonzero(numbers <= -power)
    return int(length)


def _as_numbers(column: Any) -> Any:
    """Converts text to integers, or to floats unless large integers would be rounded. Other text stays, to be parsed later."""
    for dtype in (pa.int64(), pa.uint64(), pa.float64()):
        with contextlib.suppress(pa.ArrowInvalid):
            numbers = pyarrow.compute.cast(column, dtype)
            if (
                dtype != pa.float64()
                or not pyarrow.compute.any(pyarrow.compute.greater_equal(pyarrow.compute.abs(numbers), 2.0**53)).as_py()
            ):
                return numbers
    return column


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Opens a file as a stream of decompressed bytes."""
    suffix = file.suffix.lower()
    if suffix == ".xz":
        with lzma.open(file, "rb") as stream:
            yield stream
    elif suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            if len(members) != 1:
                raise ValueError(
                    f"`path` must be a zip archive of exactly one file. Received: {str(file)!r} with {members}"
                )
            with archive.open(members[0]) as stream:
                yield stream
    else:
        compression = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}.get(suffix)
        with pa.input_stream(str(file), compression=compression) as stream:
            yield stream


def _unreadable(file: Path, what: str, error: Exception) -> ValueError:
    return ValueError(f"`path` could not be read as {what}: {error}. Received: {str(file)!r}")
