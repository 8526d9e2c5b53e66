"""Reading columns of a CSV or TSV file."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from hyperml_tf.data.columns import Columns
from hyperml_tf.data.compressed import UNREADABLE, arrow_file, opened, unreadable
from hyperml_tf.data.quotes import unclosed_quote

_DOUBLE = "::"
_SEPARATORS = (",", "\t", ";", "|", _DOUBLE)
_NUMBER = re.compile(r"\s*[+-]?\d+([.]\d+)?\s*")
_USUAL = ("user", "item", "rating", "timestamp")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# Bytes read at once. A row must fit into a block, so blocks grow where one does not.
_BLOCK, _LARGEST_BLOCK = 1 << 20, 1 << 30


@dataclasses.dataclass(frozen=True)
class TextFile:
    """A CSV or TSV file whose first line has been read.

    Args:
        file: its path.
        names: the names of its columns.
        separator: the character between fields, or "::".
        header: whether the first line is a header.
        first: the first line.
    """

    file: Path
    names: list[str]
    separator: str
    header: bool
    first: bytes

    @classmethod
    def open(cls, file: Path, separator: str | None, columns: list[str] | None) -> TextFile:
        """Reads the first line of a file.

        Args:
            file: a file in UTF-8, compressed if its suffix is one of `COMPRESSED`.
            separator: the character between fields, or "::"; None to detect it from the first line.
            columns: the names of the columns of a file without a header; None for those in its header.

        Raises:
            ValueError: if the file cannot be read, or has another number of columns.
        """
        if separator is not None:
            _check_separator(separator)
        try:
            with opened(file) as stream:
                first = _first_line(stream)
            separator = _guess_separator(file, first) if separator is None else separator
            names = _fields(first, separator)
        except UNREADABLE as error:
            raise unreadable(file, "text in UTF-8", error) from error
        if columns is not None and len(columns) != len(names):
            raise ValueError(
                f"`columns` must name every column of the file, {len(names)} separated by {separator!r}. Its first line is "
                f"{_shown(first)}. Received: {len(columns)} names, {', '.join(columns)}"
            )
        return cls(file, names if columns is None else columns, separator, columns is None, first)

    def without_header(self) -> ValueError | None:
        """Returns an error if the first line looks like a row, because a field of it is a number."""
        if not (self.header and any(_NUMBER.fullmatch(name) for name in self.names)):
            return None
        usual = ",".join([*_USUAL[: len(self.names)], *(f"column{n}" for n in range(5, len(self.names) + 1))])
        if len(self.names) == 3:
            usual = "user,item,timestamp"
        return ValueError(
            f"`path` must begin with a header line, or the names of its columns must be given: `columns={usual!r}` "
            f"(`--columns {usual}`), in their order. Received: {str(self.file)!r}, whose first line is {_shown(self.first)}"
        )

    def read(self, used: list[str]) -> pa.Table:
        """Reads columns as text. Empty fields are missing values.

        Raises:
            ValueError: if the file cannot be read, the number of fields differs between rows, or a quoted field is not closed.
        """
        error: Exception | None = None
        # The header must fit into one block.
        block_size = max(_BLOCK, 2 * len(self.first))
        try:
            table, lines = self._read(used, pa.string(), block_size)
        except UNREADABLE as caught:
            error = caught
        # Usually each row, and the header, is one line. Otherwise there are empty lines, or line breaks in quoted fields.
        if error is not None or lines != table.num_rows + self.header:
            _check_quotes(self.file, self.separator[0])
        if error is None:
            return table
        if "invalid UTF8" in str(error):
            error = self._undecodable(used, block_size) or error
        raise unreadable(self.file, f"text separated by {self.separator!r}", error) from error

    def _read(self, used: list[str], dtype: pa.DataType, block_size: int) -> tuple[pa.Table, int]:
        """The columns as strings of the given type, and the number of lines of the file."""
        names, gaps = self.names, []
        if self.separator == _DOUBLE:
            # Fields between single separators, of which every other one is empty.
            gaps = [f"\0{place}" for place in range(len(names) - 1)]
            names = [name for pair in zip(names, [*gaps, ""], strict=True) for name in pair][:-1]
        with opened(self.file) as stream:
            counted = _LineCounter(stream)
            source = arrow_file(counted)
            try:
                table = pyarrow.csv.read_csv(
                    source,
                    read_options=pyarrow.csv.ReadOptions(
                        block_size=block_size,
                        column_names=None if self.header and not gaps else names,
                        skip_rows_after_names=int(self.header and bool(gaps)),
                    ),
                    parse_options=pyarrow.csv.ParseOptions(delimiter=self.separator[0], newlines_in_values=True),
                    convert_options=pyarrow.csv.ConvertOptions(
                        include_columns=[*used, *gaps],
                        column_types=dict.fromkeys([*used, *gaps], dtype),
                        # Only an empty field is missing: "NA" and "null" can be identifiers.
                        null_values=[""],
                        strings_can_be_null=True,
                    ),
                )
            except pa.ArrowInvalid as error:
                if "straddling" not in str(error) or block_size >= _LARGEST_BLOCK:
                    raise
            else:
                if any(table.column(gap).null_count < table.num_rows for gap in gaps):
                    raise pa.ArrowInvalid(f"a field contains {_DOUBLE[0]!r}")
                return table.select(used), counted.lines
        # A row is longer than a block, because of an unclosed quote or of a very long field.
        _check_quotes(self.file, self.separator[0])
        return self._read(used, dtype, 32 * block_size)

    def _undecodable(self, used: list[str], block_size: int) -> Exception | None:
        """An error that names the first value that is not UTF-8."""
        table, _ = self._read(used, pa.binary(), block_size)
        for name, column in zip(used, table.columns, strict=True):
            for row, value in enumerate(column.to_pylist()):
                try:
                    (value or b"").decode()
                except UnicodeDecodeError:
                    return ValueError(
                        f"the column {name!r} holds {value!r} in row {row} (rows count from 0), not UTF-8"
                    )
        return None


def typed(table: pa.Table, columns: Columns) -> pa.Table:
    """Converts columns of text: identifiers to integers if that is reversible for all of them, and numbers to numbers."""
    as_read = {str(columns.user): _as_integers, str(columns.item): _as_integers}
    as_read |= {
        str(label): _as_numbers for label in (columns.order, columns.weight, columns.rating) if label is not None
    }
    for place, name in enumerate(table.column_names):
        if name in as_read:
            table = table.set_column(place, name, as_read[name](table.column(place)))
    return table


def _check_separator(separator: str) -> None:
    if separator != _DOUBLE and (len(separator) != 1 or not separator.isascii() or separator in '"\r\n'):
        raise ValueError(
            f"`separator` must be one ASCII character other than a quote and a line break, or {_DOUBLE!r}. Received: "
            f"{separator!r}. Read such a file with `pandas.read_csv(path, sep=..., engine='python')` and use `from_frame`"
        )


def _first_line(stream: Any) -> bytes:
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


def _guess_separator(file: Path, first: bytes) -> str:
    """A tab for files with the suffix of TSV, and otherwise the separator that is most frequent in the first line."""
    if any(suffix.lower() in (".tsv", ".tab") for suffix in file.suffixes[-2:]):
        return "\t"
    return max(_SEPARATORS, key=lambda separator: first.count(separator.encode()))


def _fields(header: bytes, separator: str) -> list[str]:
    """The fields of the first line, as pyarrow parses them."""
    if header.startswith(_UTF_16):
        raise pa.ArrowInvalid("it is UTF-16; save it as UTF-8")
    most = header.count(separator[0].encode()) + 1
    table = pyarrow.csv.read_csv(
        io.BytesIO(header + b"\n"),
        read_options=pyarrow.csv.ReadOptions(
            autogenerate_column_names=True, block_size=max(_BLOCK, len(header) + 2), use_threads=False
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator[0], newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types={f"f{place}": pa.string() for place in range(most)}),
    )
    fields = [str(column[0]) for column in table.columns]
    return fields[::2] if separator == _DOUBLE else fields


def _shown(line: bytes) -> str:
    return repr(line[:80].decode(errors="replace"))


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
    with opened(file) as stream:
        found = unclosed_quote(stream, separator)
    if found is not None:
        line, field = found
        raise ValueError(
            f"`path` must close every quoted field with a quote before a separator or a line break. The field that starts in "
            f"line {line} is not closed, and would include the following rows. Received: {field!r} in {str(file)!r}"
        )


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
