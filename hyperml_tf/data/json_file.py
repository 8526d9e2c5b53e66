"""Reading columns of a file in JSON Lines: one object per line."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json

from hyperml_tf.data.compressed import UNREADABLE, arrow_file, opened, unreadable

# Objects from which the names and the types of columns are taken.
_SAMPLE = 1000
# Bytes read at once. An object must fit into a block, so blocks grow where one does not.
_BLOCK, _LARGEST_BLOCK = 1 << 20, 1 << 30
_WHAT = "JSON Lines, one object per line in UTF-8"


@dataclasses.dataclass(frozen=True)
class JsonLinesFile:
    """A file in JSON Lines whose first objects have been read.

    Args:
        file: its path.
        names: the names of its columns.
        texts: those of the columns that begin with text.
    """

    file: Path
    names: list[str]
    texts: frozenset[str]

    @classmethod
    def open(cls, file: Path) -> JsonLinesFile:
        """Reads the first objects of a file.

        Args:
            file: a file in UTF-8, compressed if its suffix is one of `COMPRESSED`.

        Raises:
            ValueError: if it does not hold objects.
        """
        objects: list[Any] = []
        try:
            with opened(file) as stream:
                start = bytes(stream.read(_BLOCK)).removeprefix(b"\xef\xbb\xbf")
                while b"\n" not in start and (more := bytes(stream.read(_BLOCK))):
                    start += more
                lines = start.split(b"\n")
                # The last line of a block may go on in the next one.
                complete = lines if not stream.read(1) else lines[:-1]
            objects = [json.loads(line) for line in itertools.islice(filter(bytes.strip, complete), _SAMPLE)]
        except (*UNREADABLE, ValueError) as error:
            raise unreadable(file, _WHAT, error) from error
        if not objects or not all(isinstance(one, dict) for one in objects):
            received = type(next((one for one in objects if not isinstance(one, dict)), None)).__name__
            raise unreadable(file, _WHAT, ValueError(f"a line holds {received}" if objects else "it is empty"))
        first: dict[str, Any] = {}
        for one in objects:
            for name, value in one.items():
                if first.get(name) is None:
                    first[name] = value
        return cls(file, list(first), frozenset(name for name, value in first.items() if isinstance(value, str)))

    def read(self, used: list[str], block_size: int = _BLOCK) -> pa.Table:
        """Reads columns.

        Raises:
            ValueError: if the file cannot be read, or a column holds text and numbers.
        """
        # Text would be taken for dates where it looks like them.
        schema = pa.schema([(name, pa.string()) for name in used if name in self.texts])
        try:
            with opened(self.file) as stream:
                table = pyarrow.json.read_json(
                    arrow_file(stream),
                    pyarrow.json.ReadOptions(block_size=block_size),
                    pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
                )
        except UNREADABLE as error:
            if "straddling" in str(error) and block_size < _LARGEST_BLOCK:
                return self.read(used, 32 * block_size)
            raise unreadable(self.file, _WHAT, error) from error
        return table.select(used)
