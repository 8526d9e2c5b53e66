"""Encoding of identifier columns as integer codes.

The identifiers of a column all become int64 or all become `str`. Integers of any width become int64 if all of them fit, and
so do floats that are whole numbers up to 2^53, because pandas converts integers to floats where values are missing. Bytes are
decoded as UTF-8. All else is converted by `str`: larger integers, other floats, dates, booleans, UUIDs, and mixed types. Null
and empty text are missing values.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from hyperml_tf.data.factorize import factorize
from hyperml_tf.data.tabular import plain

logger = logging.getLogger(__name__)

MISSING = -1
"""The code of a missing identifier."""

# Integers are encoded by a table over their range if the range is at most this many times the number of rows.
_SPREAD = 4
# Up to here, every integer has a float64 of its own.
_EXACT_FLOATS = 2.0**53
_DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "period")


def encode_ids(values: pd.Series, column: Hashable) -> tuple[np.ndarray, np.ndarray]:
    """Encodes the identifiers of a column, in the order of their first appearance.

    Args:
        values: the column.
        column: its name, for error messages and warnings.

    Returns:
        Codes, `(rows,)` int32, `MISSING` where the identifier is missing; and the distinct identifiers in the order of their
        codes, all int64 or all `str` (dtype object).

    Raises:
        ValueError: if a value is a list or another container, or text that is not valid Unicode. The message names the first
            such row.
    """
    values = plain(values)
    if isinstance(values.dtype, np.dtype) and (integers := _as_int64(values.to_numpy())) is not None:
        return _numbered(integers)
    codes, distinct = _factorized(values, column)
    try:
        ids = _normalised(distinct, column)
    except UnicodeError as error:
        place, value = next((place, value) for place, value in enumerate(distinct) if not _is_unicode(value))
        raise _unusable(column, value, int(np.argmax(codes == place))) from error
    if ids.dtype != object:
        return codes, ids
    # Two identifiers can have the same text, such as 1 and "1", and the empty text is missing.
    ids[ids == ""] = None
    merged, ids = factorize(ids)
    # `MISSING` is -1, which selects the last entry.
    return np.append(merged, MISSING)[codes].astype(np.int32), np.asarray(ids, dtype=object)


def compact(codes: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drops identifiers without a row, and renumbers the codes by first appearance. No code may be `MISSING`."""
    renumbered, used = pd.factorize(codes)
    return renumbered.astype(np.int32), ids[used]


def as_text(values: Iterable[Any]) -> np.ndarray:
    """Converts identifiers to `str`, dtype object.

    Raises:
        UnicodeError: if bytes are not UTF-8, or text contains a lone surrogate.
    """
    texts = [value.decode() if isinstance(value, bytes) else str(value) for value in values]
    "".join(texts).encode()
    return _objects(texts)


def as_integers(texts: Iterable[str]) -> np.ndarray:
    """Converts text to Python integers where that is reversible: "7", but not "007" or "+7". Others become None."""
    return _objects([_integer(text) for text in texts])


def _integer(text: str) -> int | None:
    try:
        value = int(text)
    except ValueError:
        return None
    return value if str(value) == text else None


def _factorized(values: pd.Series, column: Hashable) -> tuple[np.ndarray, pd.Index]:
    """Codes by first appearance, int32, and the distinct values of the column."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        # The order of categories is not that of first appearance, and some may be unused.
        codes, used = pd.factorize(values.cat.codes.to_numpy())
        found = used != -1
        renumbered = np.where(found, np.cumsum(found) - 1, MISSING)
        return renumbered[codes].astype(np.int32), pd.Index(values.cat.categories.take(used[found]))
    try:
        codes, distinct = factorize(values)
    except TypeError as error:
        row, value = next((row, value) for row, value in enumerate(values) if not _is_hashable(value))
        raise _unusable(column, value, row) from error
    return codes.astype(np.int32), pd.Index(distinct)


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes by first appearance, int32, and the distinct values of an int64 column.

    If the range of the values is small, a lookup table over that range is several times as fast as the hash table of
    `pd.factorize`.
    """
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, -1)
    if high - low >= _SPREAD * len(values):
        codes, ids = pd.factorize(values)
        return codes.astype(np.int32), ids
    places = values - low if low else values
    table = np.empty(high - low + 1, np.int32)
    rows = np.arange(len(values), dtype=np.int32)
    # The last write of a value wins, so writing from the end keeps its first row.
    table[places[::-1]] = rows[::-1]
    ids = values[table[places] == rows]
    table[ids - low] = np.arange(len(ids), dtype=np.int32)
    return table[places], ids


def _normalised(distinct: pd.Index, column: Hashable) -> np.ndarray:
    """Converts distinct values to int64 or `str`, as the docstring of the module describes."""
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
    """Converts integers of any width to int64. None if they are not integers, or one does not fit."""
    if array.dtype.kind not in "iu":
        return None
    if array.dtype == np.uint64 and array.max(initial=0) > np.iinfo(np.int64).max:
        return None
    return array.astype(np.int64, copy=False)


def _whole(array: np.ndarray) -> np.ndarray | None:
    """Converts Python numbers to int64. None unless each is a whole number that fits."""
    try:
        integers = [int(value) for value in array]
        same = all(integer == value for integer, value in zip(integers, array, strict=True))
        return np.array(integers, np.int64) if same else None
    except (ValueError, OverflowError):
        return None


def _objects(values: list[Any]) -> np.ndarray:
    """An array of dtype object. `np.array` strips trailing NULs from text, and pads all of it to the longest."""
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
        f"The column {str(column)!r} must hold one identifier per row, an integer or valid Unicode text. Received: "
        f"{shown if len(shown) <= 100 else shown[:100] + '...'} in row {row} (rows count from 0)"
    )
