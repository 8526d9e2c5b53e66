"""Identifiers of users and items: from a column of a table to integer codes.

An identifier is an integer (int64) or text (`str`), and all identifiers of a vocabulary are of one kind. A column of integers
of any width keeps its integers, and so does a column of whole floats up to 2^53, which is what pandas makes of integers beside
missing values. Bytes are read as UTF-8. Anything else becomes text, as `str` writes it: integers beyond int64, fractions,
dates, booleans, UUIDs, and columns that mix types. Null and the empty text are missing.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from hyperml_tf.data.tabular import plain

logger = logging.getLogger(__name__)

MISSING = -1
"""The code of a missing identifier."""

# Integers are numbered by a table over their range if the range is at most this many times the number of rows.
_SPREAD = 4
# The largest float up to which every integer has a float of its own.
_EXACT_FLOATS = 2.0**53
_DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "period")


def encode_ids(values: pd.Series, column: Hashable) -> tuple[np.ndarray, np.ndarray]:
    """Numbers the identifiers of a column by first appearance.

    Args:
        values: the column.
        column: its name, for messages.

    Returns:
        Codes, `(rows,)` int32, `MISSING` where the identifier is missing; and the distinct identifiers in the order of their
        codes, all int64 or all `str` (dtype object).

    Raises:
        ValueError: if a value is a list or another container, or text that is not valid Unicode. It names the first such row.
    """
    values = plain(values)
    if isinstance(values.dtype, np.dtype) and (integers := _as_int64(values.to_numpy())) is not None:
        return _numbered(integers)
    codes, distinct = _factorized(values, column)
    try:
        ids = _normalised(distinct, column)
    except UnicodeError as error:
        place, value = next((place, value) for place, value in enumerate(distinct) if not _is_unicode(value))
        raise _unusable(column, value, int((codes == place).argmax())) from error
    if ids.dtype != object:
        return codes, ids
    # Two identifiers can have the same text, such as 1 and "1", and the empty text is missing.
    ids[ids == ""] = None
    merged, ids = pd.factorize(ids)
    # The last place is for codes that are `MISSING` already.
    return np.append(merged, MISSING)[codes].astype(np.int32), np.asarray(ids, dtype=object)


def compact(codes: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Renumbers codes by first appearance and drops the identifiers without a row; no code may be `MISSING`."""
    renumbered, used = pd.factorize(codes)
    return renumbered.astype(np.int32), ids[used]


def as_text(values: Iterable[Any]) -> np.ndarray:
    """Identifiers as text, dtype object.

    Raises:
        UnicodeError: if bytes are not UTF-8, or text holds half of a surrogate pair.
    """
    texts = [value.decode() if isinstance(value, bytes) else str(value) for value in values]
    "".join(texts).encode()
    return _objects(texts)


def as_integers(texts: Iterable[str]) -> np.ndarray:
    """Python integers for the texts that are the usual spelling of one, such as "7" but not "007" or "+7"; None for others."""
    return _objects([_integer(text) for text in texts])


def _integer(text: str) -> int | None:
    try:
        value = int(text)
    except ValueError:
        return None
    return value if str(value) == text else None


def _factorized(values: pd.Series, column: Hashable) -> tuple[np.ndarray, pd.Index]:
    """Codes by first appearance, int32, and the distinct values as they are in the column."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        # Categories are in an order of their own, and some may be unused.
        codes, used = pd.factorize(values.cat.codes.to_numpy())
        found = used != -1
        renumbered = np.where(found, np.cumsum(found) - 1, MISSING)
        return renumbered[codes].astype(np.int32), pd.Index(values.cat.categories.take(used[found]))
    try:
        codes, distinct = pd.factorize(values)
    except TypeError as error:
        row, value = next((row, value) for row, value in enumerate(values) if not _is_hashable(value))
        raise _unusable(column, value, row) from error
    return codes.astype(np.int32), pd.Index(distinct)


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes int32 by first appearance, and the distinct values, of int64.

    Where the values lie close together, a table with a place for every integer in their range is several times as fast as the
    hash table of `pd.factorize`.
    """
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, -1)
    if high - low >= _SPREAD * len(values):
        codes, ids = pd.factorize(values)
        return codes.astype(np.int32), ids
    places = values - low if low else values
    table = np.empty(high - low + 1, np.int32)
    rows = np.arange(len(values), dtype=np.int32)
    # Where a value occurs in several rows, the row written last stays: writing from the end leaves the first one.
    table[places[::-1]] = rows[::-1]
    ids = values[table[places] == rows]
    table[ids - low] = np.arange(len(ids), dtype=np.int32)
    return table[places], ids


def _normalised(distinct: pd.Index, column: Hashable) -> np.ndarray:
    """Distinct values as int64 or as text; the module says which."""
    array = distinct.to_numpy()
    if array.dtype.kind in "Mm":
        array = np.asarray(distinct.astype(object))
    if array.dtype.kind in "iu":
        integers = _as_int64(array)
        return as_text(array.tolist()) if integers is None else integers
    kind = "floating" if array.dtype.kind == "f" else pd.api.types.infer_dtype(array, skipna=False)
    if kind == "floating":
        numbers = array.astype(np.float64)
        if np.all(np.isfinite(numbers) & (numbers == np.rint(numbers)) & (np.abs(numbers) <= _EXACT_FLOATS)):
            return numbers.astype(np.int64)
        _warn(column, "floats that are not whole numbers up to 2^53")
    elif kind in ("integer", "decimal", "mixed-integer-float"):
        if (integers := _whole(array)) is not None:
            return integers
        if kind != "integer":
            _warn(column, "numbers that are not integers")
    elif kind in _DATES:
        _warn(column, "dates")
    elif kind not in ("string", "bytes", "boolean") and len({type(value) for value in array}) > 1:
        _warn(column, f"several types ({kind})")
    return as_text(array)


def _warn(column: Hashable, held: str) -> None:
    logger.warning("The column %r holds %s: all of its identifiers become text.", column, held)


def _as_int64(array: np.ndarray) -> np.ndarray | None:
    """Integers of any width as int64, or None if they are no integers or one does not fit."""
    if array.dtype.kind not in "iu":
        return None
    if array.dtype == np.uint64 and array.max(initial=0) > np.iinfo(np.int64).max:
        return None
    return array.astype(np.int64, copy=False)


def _whole(array: np.ndarray) -> np.ndarray | None:
    """Python numbers as int64, or None unless each is a whole number that fits."""
    try:
        integers = [int(value) for value in array]
        same = all(integer == value for integer, value in zip(integers, array, strict=True))
        return np.array(integers, np.int64) if same else None
    except (ValueError, OverflowError):
        return None


def _objects(values: list[Any]) -> np.ndarray:
    """A vector of dtype object. `np.array` would cut a trailing NUL, and give every text the room of the longest."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_unicode(value: Any) -> bool:
    try:
        as_text([value])
    except UnicodeError:
        return False
    return True


def _unusable(column: Hashable, value: Any, row: int) -> ValueError:
    shown = repr(value)
    return ValueError(
        f"The column {str(column)!r} must hold identifiers: one integer or valid Unicode text per row. Received: "
        f"{shown if len(shown) <= 100 else shown[:100] + '...'} in row {row} (rows count from 0)"
    )
