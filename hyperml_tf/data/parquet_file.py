"""Reading columns of a Parquet file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet

from hyperml_tf.data.compressed import unreadable

_NOTHING = "__HIVE_DEFAULT_PARTITION__"


@dataclasses.dataclass(frozen=True)
class ParquetFile:
    """A Parquet file whose schema has been read.

    Args:
        file: its path.
        names: the names of its columns.
        constants: the columns that its folders hold, named such as "date=2024-01-31", with their values.
    """

    file: Path
    names: list[str]
    constants: Mapping[str, str]

    @classmethod
    def open(cls, file: Path, folders: tuple[str, ...] = ()) -> ParquetFile:
        """Reads the schema of a file.

        Args:
            file: the file.
            folders: the names of the folders in which it is.

        Raises:
            ValueError: if the file is damaged, or is not a Parquet file.
        """
        try:
            names = pyarrow.parquet.read_schema(file).names
        except (pa.ArrowException, OSError) as error:
            raise unreadable(file, "Parquet", error) from error
        pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
        constants = {unquote(name): unquote(value) for name, value in pairs if unquote(name) not in names}
        return cls(file, [*names, *constants], constants)

    def read(self, used: list[str]) -> pa.Table:
        """Reads columns.

        Raises:
            ValueError: if the file is damaged.
        """
        stored = [name for name in used if name not in self.constants]
        try:
            # The file alone: of a path, folders named such as "date=2024-01-31" would become columns, too.
            with self.file.open("rb") as stream:
                table = pyarrow.parquet.read_table(stream, columns=stored)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.file, "Parquet", error) from error
        for name in used:
            if name in self.constants:
                value = None if self.constants[name] == _NOTHING else self.constants[name]
                table = table.append_column(name, pa.array([value] * len(table), pa.string()))
        return table.select(used)
