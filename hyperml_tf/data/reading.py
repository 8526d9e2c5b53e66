"""Reading the user, item and order columns of a file."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from hyperml_tf.data.columns import ColumnChoice, Columns, find_columns
from hyperml_tf.data.parquet_file import read_parquet
from hyperml_tf.data.text_file import COMPRESSED, read_text

_TEXT = (".csv", ".tsv", ".tab", ".txt")
_PARQUET = (".parquet", ".pq")


def read_table(
    path: str | os.PathLike[str],
    user_column: str | None,
    item_column: str | None,
    order_column: ColumnChoice,
    separator: str | None,
) -> tuple[pd.DataFrame, Columns]:
    """Reads a text or Parquet file, depending on its suffix.

    Args:
        path: the file.
        user_column: the name of the user column, as in `find_columns`.
        item_column: the name of the item column, as in `find_columns`.
        order_column: the name of the order column, as in `find_columns`.
        separator: the character between the fields of a text file; None to detect it.

    Returns:
        A data frame of the user, item and order columns, and their labels.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the path is a directory, or the file is empty, has an unknown suffix, cannot be read, or lacks a
            column.
    """
    file = Path(path)
    if file.is_dir():
        raise ValueError(f"`path` must be a file, not a directory. Received: {str(path)!r}")
    if not file.exists():
        raise FileNotFoundError(f"`path` must be a file that exists. Received: {str(path)!r}")
    suffixes = [suffix.lower() for suffix in file.suffixes]
    compressed = bool(suffixes) and suffixes[-1] in COMPRESSED
    kind = (suffixes[:-1] if compressed else suffixes)[-1:]
    is_parquet = bool(kind) and kind[0] in _PARQUET and not compressed
    if not (is_parquet or (kind and kind[0] in _TEXT) or (compressed and not kind)):
        raise ValueError(
            f"`path` must end in one of {', '.join(_TEXT)} (and then, if compressed, in one of {', '.join(COMPRESSED)}) "
            f"or in one of {', '.join(_PARQUET)}. Received: {str(path)!r}"
        )
    if file.stat().st_size == 0:
        raise ValueError(f"`path` must be a table with a header. Received: {str(path)!r}, which is empty")

    def choose(names: list[str]) -> Columns:
        return find_columns(names, user_column, item_column, order_column)

    return read_parquet(file, choose) if is_parquet else read_text(file, choose, separator)
