"""The files of a table, as a relation of the engine."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyperml_tf.data.json_file import JsonLinesFile
from hyperml_tf.data.reading import files_of, given_names, kind_of
from hyperml_tf.data.text_file import TextFile
from hyperml_tf.preparation.engine import quoted

_COMPRESSED = (".gz", ".zst")


@dataclasses.dataclass(frozen=True)
class Source:
    """The files of a table.

    Args:
        paths: the files in the order of their rows; for other systems than the local disk, their patterns.
        kind: "text", "JSON Lines" or "Parquet".
        names: the names of all columns.
        relation: the table function of SQL that reads them.
        sql_names: the names of the columns in that relation, in the same order; those of text files may be empty or repeated.
    """

    paths: tuple[str, ...]
    kind: str
    names: tuple[str, ...]
    relation: str
    sql_names: tuple[str, ...]

    def sql_name(self, name: str) -> str:
        """Returns the name of a column in the relation."""
        return self.sql_names[self.names.index(name)]


def source_of(
    connection: Any, tables: Sequence[str], separator: str | None, columns: Sequence[str] | str | None
) -> Source:
    """Finds the files of a table and the names of its columns.

    Args:
        connection: the engine.
        tables: files, folders, patterns, or addresses that the engine opens, such as `s3://bucket/events/*.parquet`.
        separator: the character between the fields of text; None to detect it.
        columns: the names of the columns of text without a header.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the files are not those of one table, or of a kind that the engine does not read.
    """
    paths = [path for table in tables for path in _paths(table)]
    kinds = sorted({kind_of(Path(path)) for path in paths})
    if len(kinds) != 1 or not kinds[0]:
        raise ValueError(
            "`tables` must be files of one kind: CSV, JSON Lines or Parquet, by their suffixes. "
            f"Received: {', '.join(map(repr, tables))}"
        )
    [kind] = kinds
    for name, value in (("separator", separator), ("columns", columns)):
        if value is not None and kind != "text":
            raise ValueError(
                f"`{name}` must be None unless the files are text. Received: {name}={value!r} for {paths[0]!r}"
            )
    listed = "[" + ", ".join(map(quoted, paths)) + "]"
    if kind == "Parquet":
        return _described(connection, paths, kind, f"read_parquet({listed})")
    for path in paths:
        ending = Path(path).suffix.lower()
        if ending in (".bz2", ".xz", ".zip"):
            raise ValueError(
                f"Compressed files must end in {' or '.join(_COMPRESSED)} to be prepared: the engine reads no other. "
                f"Received: {path!r}"
            )
    if kind == "JSON Lines":
        return _described(connection, paths, kind, _json(listed, paths))
    return _text(connection, paths, listed, separator, given_names(columns))


def _paths(table: str) -> list[str]:
    """The files of one of the tables; an address of another system stays as it is."""
    if "://" in table:
        return [table]
    return [os.path.abspath(file) for file, _ in files_of(table)]


def _json(listed: str, paths: Sequence[str]) -> str:
    """Values as they are written: the engine would take text that looks like a date or a UUID for one."""
    if "://" in paths[0]:
        return f"read_json({listed}, format = 'newline_delimited')"
    names = list(dict.fromkeys(name for path in paths[:1] for name in JsonLinesFile.open(Path(path)).names))
    typed = ", ".join(f"{quoted(name)}: 'JSON'" for name in names)
    return f"read_json({listed}, format = 'newline_delimited', columns = {{{typed}}})"


def _text(connection: Any, paths: list[str], listed: str, separator: str | None, columns: list[str] | None) -> Source:
    if "://" in paths[0]:
        given = "" if separator is None else f", delim = {quoted(separator)}"
        if columns is not None:
            given += f", header = false, names = [{', '.join(map(quoted, columns))}]"
        return _described(connection, paths, "text", f"read_csv({listed}, all_varchar = true{given})")
    files = [TextFile.open(Path(path), separator, columns) for path in paths]
    first = files[0]
    if len(first.separator) > 1:
        raise ValueError(
            "`separator` must be one character for files to be prepared. Convert them first. "
            f"Received: {first.separator!r} in {paths[0]!r}"
        )
    for other in files[1:]:
        if (other.names, other.separator) != (first.names, first.separator):
            raise ValueError(
                f"`tables` must be the files of one table, with the columns of the first, {', '.join(map(repr, first.names))}. "
                f"Received: {', '.join(map(repr, other.names))} in {str(other.file)!r}"
            )
    sql_names = tuple(f"column{place}" for place in range(len(first.names)))
    typed = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in sql_names)
    relation = (
        f"read_csv({listed}, auto_detect = false, header = {str(first.header).lower()}, delim = {quoted(first.separator)}, "
        f"""quote = '"', escape = '"', nullstr = '', columns = {{{typed}}})"""
    )
    return Source(tuple(paths), "text", tuple(first.names), relation, sql_names)


def _described(connection: Any, paths: list[str], kind: str, relation: str) -> Source:
    rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    names = tuple(row[0] for row in rows)
    return Source(tuple(paths), kind, names, relation, names)
