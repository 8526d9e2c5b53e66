"""Item details, such as titles, that an exported model returns with item ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hyperml_tf.data.columns import find_item_column
from hyperml_tf.serving.signatures import SIGNATURES

_RESERVED = sorted({name for signature in SIGNATURES.values() for name in (*signature.inputs, *signature.outputs)})


def item_details(
    item_ids: np.ndarray, table: pd.DataFrame, columns: Sequence[str] | None = None, item_column: str | None = None
) -> dict[str, list[str]]:
    """Returns columns of an item table in the order of the catalogue, as strings, for `export_saved_model`.

    Args:
        item_ids: The catalogue. Ids are compared as strings.
        table: A data frame with one row per item and a column of ids. Of duplicate ids, the first row is used.
        columns: List of columns to return. Defaults to `None`, all except the ids.
        item_column: Optional string, the column of ids. Defaults to `None`: it is found by its usual names.

    Returns:
        A dictionary of one list per column, in the order of the catalogue; `""` for missing values.

    Raises:
        ValueError: If a column is missing or has the name of an input or output of a signature, or if no item of the catalogue is
            in the table.

    Example:

    >>> table = pd.DataFrame({"item": [7, 3], "title": ["Teapot", None], "year": [1999, 2001]})
    >>> item_details(np.array([3, 7]), table)
    {'title': ['', 'Teapot'], 'year': ['2001', '1999']}
    """
    key = find_item_column(list(table.columns), item_column)
    names = [str(name) for name in table.columns if name != key] if columns is None else list(columns)
    if missing := [name for name in names if name not in table.columns]:
        raise ValueError(f"`columns` must be of the item table, which has {list(table.columns)}. Received: {missing}")
    if taken := [name for name in names if name in _RESERVED]:
        raise ValueError(f"`columns` must not have the names {_RESERVED} of the signatures. Rename: {taken}")
    rows = pd.Index(_text(table[key])).drop_duplicates()
    kept = table.loc[~pd.Index(_text(table[key])).duplicated()]
    positions = rows.get_indexer([str(value) for value in item_ids.tolist()])
    if (positions < 0).all():
        raise ValueError(
            f"`table` must have items of the catalogue, such as {item_ids[:3].tolist()}. "
            f"Received: ids such as {rows[:3].tolist()} in the column {key!r}"
        )
    return {name: _in_order(_text(kept[name]), positions) for name in names}


def _text(column: pd.Series) -> list[str]:
    """Values as strings, `""` if missing; whole numbers that are floats because of missing values stay whole."""
    if column.dtype.kind == "f" and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return ["" if missing else str(value) for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def _in_order(values: list[str], positions: np.ndarray) -> list[str]:
    return [values[position] if position >= 0 else "" for position in positions.tolist()]
