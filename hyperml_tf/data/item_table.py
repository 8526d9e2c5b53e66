"""What is known of items, such as titles and categories, beside their ids."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from hyperml_tf._argument_checks import as_path, check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.columns import find_item_column
from hyperml_tf.data.conditions import LIST_SEPARATOR, matches
from hyperml_tf.data.tabular import arrow_to_pandas
from hyperml_tf.files.whole import whole_file

logger = logging.getLogger(__name__)

RESERVED = (
    *("user", "item", "rank", "similar_item", "distance", "score"),
    *(
        "user_id",
        "item_id",
        "candidates",
        "exclude",
        "history",
        "vector",
        "filter_column",
        "filter_value",
        "share",
        "pull",
    ),
)
"""Names of what answers hold besides the columns of an item table."""

AnswerT = TypeVar("AnswerT", bound=Any)

_PARQUET = (".parquet", ".pq")
_SEPARATORS = (",", "\t", ";", "|")


@names_arguments
@dataclasses.dataclass(frozen=True, eq=False)
class ItemTable:
    """Columns of text for the items of a catalogue, such as titles, years and categories.

    Every way to ask a model takes one, and then returns the columns beside the ids. A value may be a list, whose members have `|`
    between them.

    Args:
        item_ids: The catalogue, as `model.candidate_tower.ids`.
        columns: Texts by the name of the column, each in the order of the catalogue; `""` is a missing value.

    Example:

    >>> table = pd.DataFrame({"item": [7, 3], "title": ["Teapot", None], "year": [1999, 2001]})
    >>> items = ItemTable.from_frame(table, np.array([3, 7]))
    >>> items.columns
    {'title': ['', 'Teapot'], 'year': ['2001', '1999']}
    >>> items.where("year < 2000").tolist()
    [7]
    """

    item_ids: np.ndarray
    columns: Mapping[str, Sequence[str]]

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        item_ids: np.ndarray,
        columns: Sequence[str] | None = None,
        item_column: str | None = None,
    ) -> ItemTable:
        """Reads a CSV, TSV or Parquet file with one row per item.

        Args:
            path: Path of the file. Text is in UTF-8 with a header, and may be compressed; the separator is detected.
            item_ids: The catalogue, an array or a list. Ids are compared as text.
            columns: Names of the columns to keep. Defaults to `None`, all except the ids.
            item_column: Optional string, the column of ids. Defaults to `None`: it is found by its usual names.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it cannot be read, and as `from_frame`.
        """
        return cls.from_frame(_read(as_path(path=path)), item_ids, columns, item_column)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        item_ids: Any,
        columns: Sequence[str] | None = None,
        item_column: str | None = None,
    ) -> ItemTable:
        """Takes columns of a data frame with one row per item.

        Args:
            frame: A data frame. Of duplicate ids, the first row is used.
            item_ids: The catalogue, an array or a list. Ids are compared as text.
            columns: Names of the columns to keep. Defaults to `None`, all except the ids.
            item_column: Optional string, the column of ids. Defaults to `None`: it is found by its usual names.

        Raises:
            ValueError: If a column is missing or has the name of something else in answers, if a value is not valid Unicode, or
                if no item of the catalogue is in the table.
        """
        check_instance(pd.DataFrame, frame=frame)
        item_ids = np.asarray(item_ids)
        if item_ids.ndim != 1 or not len(item_ids):
            raise ValueError(f"`item_ids` must be a non-empty list of ids. Received: shape {item_ids.shape}")
        key = find_item_column(list(frame.columns), item_column)
        names = [str(name) for name in frame.columns if name != key] if columns is None else list(columns)
        if missing := [name for name in names if name not in frame.columns]:
            raise ValueError(
                f"`columns` must be of the item table, which has {list(frame.columns)}. Received: {missing}"
            )
        if taken := [name for name in names if name in RESERVED]:
            raise ValueError(
                f"`columns` must not have the names of what answers hold besides: {', '.join(RESERVED)}. Rename them, or choose "
                f"other columns. Received: {taken}"
            )
        rows = pd.Index(_texts(frame[key], str(key)))
        kept = frame.loc[~rows.duplicated()]
        rows = rows.drop_duplicates()
        positions = rows.get_indexer([str(value) for value in item_ids.tolist()])
        missing_rows = int(np.count_nonzero(positions < 0))
        if missing_rows == len(positions):
            raise ValueError(
                f"The item table must have items of the catalogue, such as {item_ids[:3].tolist()}. "
                f"Received: ids such as {rows[:3].tolist()} in the column {str(key)!r}"
            )
        if missing_rows:
            logger.warning(
                "The item table has no row for %d of %d items: they have no details.", missing_rows, len(positions)
            )
        return cls(item_ids, {name: _in_order(_texts(kept[name], name), positions) for name in names})

    def for_items(self, item_ids: np.ndarray) -> ItemTable:
        """Returns the table of another catalogue, which may share items with this one; other items have no details.

        Args:
            item_ids: The other catalogue.
        """
        rows = pd.Index(self.item_ids.tolist()).get_indexer(item_ids.tolist())
        return ItemTable(item_ids, {name: _in_order(values, rows) for name, values in self.columns.items()})

    def select(self, columns: Sequence[str]) -> ItemTable:
        """Returns a table of some of the columns.

        Raises:
            ValueError: If there is no such column.
        """
        if missing := [name for name in columns if name not in self.columns]:
            raise ValueError(
                f"`columns` must be of the item table, which has {list(self.columns)}. Received: {missing}"
            )
        return dataclasses.replace(self, columns={name: self.columns[name] for name in columns})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the table to a Parquet file, which appears when it is complete."""
        columns = {"item": [str(value) for value in self.item_ids.tolist()], **self.columns}
        with whole_file(path) as scratch:
            pyarrow.parquet.write_table(
                pa.table({name: pa.array(v, pa.string()) for name, v in columns.items()}), scratch
            )

    def beside(self, ids: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the columns of some items, each of the shape of `ids`; `""` for ids that are not of the catalogue."""
        places = self._index.get_indexer(pd.Index(ids.ravel(), dtype=self._index.dtype)).reshape(ids.shape)
        return {name: values[places] for name, values in self._arrays.items()}

    def describe(self, answer: AnswerT) -> AnswerT:
        """Returns an answer, such as a `Neighbours`, with the columns of its items in `details`."""
        return type(answer)(*answer, self.beside(answer.ids))

    def where(self, condition: str) -> np.ndarray:
        """Returns the ids of the items that meet a condition, such as `"year >= 1990 and 'Comedy' in genres"`.

        Args:
            condition: String, see `hyperml_tf.data.conditions.matches`. It is parsed, never run.

        Raises:
            ValueError: If it is not a condition, or not one on these columns.
        """
        return self.item_ids[matches(condition, self.columns)]

    @functools.cached_property
    def _index(self) -> pd.Index:
        # As they are: pandas would copy text to a type of its own, and what is looked up in it, too.
        return pd.Index(self.item_ids, dtype=self.item_ids.dtype)

    @functools.cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        """The columns, with another entry at the end for unknown ids, whose place is -1."""
        return {name: np.array([*values, ""], object) for name, values in self.columns.items()}


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise FileNotFoundError(f"The item table must be a file that exists. Received: {str(path)!r}")
    try:
        if path.suffix.lower() in _PARQUET:
            return arrow_to_pandas(pyarrow.parquet.read_table(path))
        # As text, because integers with missing values would become floats.
        options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig"}
        header = str(pd.read_csv(path, sep="\0", nrows=0, quoting=3, **options).columns[0])
        tabs = any(suffix.lower() in (".tsv", ".tab") for suffix in path.suffixes[-2:])
        separator = "\t" if tabs else max(_SEPARATORS, key=header.count)
        return pd.read_csv(path, sep=separator, **options)
    except (pa.ArrowException, OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(
            f"The item table could not be read as {'Parquet' if path.suffix.lower() in _PARQUET else 'text in UTF-8'}: {error}. "
            f"Received: {str(path)!r}"
        ) from error


def _texts(column: pd.Series, name: str) -> list[str]:
    """Values as text, `""` if missing; whole numbers that are floats because of missing values stay whole."""
    if column.dtype.kind == "f" and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    texts = [_text(value) for value in column.tolist()]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"The column {name!r} must hold text that can be encoded in UTF-8, without lone surrogates. "
            f"Received: {error.object[error.start]!r}"
        ) from error
    return texts


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return LIST_SEPARATOR.join(_text(member) for member in value)
    if isinstance(value, bytes):
        return value.decode()
    return "" if pd.isna(value) else str(value)


def _in_order(values: Sequence[str], positions: np.ndarray) -> list[str]:
    return [values[position] if position >= 0 else "" for position in positions.tolist()]


def as_item_table(
    items: str | os.PathLike[str] | pd.DataFrame | ItemTable, item_ids: np.ndarray, columns: Sequence[str] | None = None
) -> ItemTable:
    """Converts a path, a data frame or an `ItemTable` of the same catalogue to an `ItemTable`.

    Args:
        items: The table.
        item_ids: The catalogue.
        columns: Names of the columns to keep. Defaults to `None`, all except the ids.

    Raises:
        ValueError: As `ItemTable.from_file` and `ItemTable.from_frame`, and if an `ItemTable` is of another catalogue.
    """
    if isinstance(items, ItemTable):
        if not np.array_equal(items.item_ids, item_ids):
            raise ValueError(
                "`items` must be an `ItemTable` of the items of `table`, in their order. Received: other ids"
            )
        return items.select(columns) if columns else items
    if isinstance(items, pd.DataFrame):
        return ItemTable.from_frame(items, item_ids, columns)
    return ItemTable.from_file(items, item_ids, columns)
