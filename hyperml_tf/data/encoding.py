"""From the columns of a table to integers: identifiers to codes, an order to numbers that sort."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)

MISSING = -1
"""The code of a missing identifier (null or empty)."""

# Places of a table for each row, up to which integers are numbered by their place: 16 bytes a row.
_SPREAD = 4


def encode_ids(values: pd.Series, column: Hashable, parse_integers: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Encodes a column of identifiers.

    Args:
        values: the column.
        column: its name, for messages.
        parse_integers: whether text is turned into integers where every identifier survives that exactly: "7" does, "007"
            does not. For text files, which cannot say what they mean.

    Returns:
        Codes, `(rows,)` int32, `MISSING` where the identifier is null or empty; and the identifiers by first appearance,
        all int64 or all `str` (dtype object).
    """
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "i":
        return _numbered(values.to_numpy(np.int64))
    if isinstance(values.dtype, pd.CategoricalDtype):
        # The categories may be in any order, and some of them unused: number the codes again by first appearance.
        present, used = pd.factorize(values.cat.codes.to_numpy())
        raw: Any = values.cat.categories.take(used[used >= 0])
        remap = np.full(len(used), MISSING, np.int32)
        remap[used >= 0] = np.arange(np.count_nonzero(used >= 0))
        codes = remap[present]
    else:
        numbers, raw = pd.factorize(values)
        codes = numbers.astype(np.int32)
    ids = _as_ids(raw, column, parse_integers)
    if ids.dtype != object or not len(ids):
        return codes, ids
    # As text, two identifiers can become one (1 and "1"), and the empty one is a missing one.
    ids[ids == ""] = None
    merged, ids = pd.factorize(ids)
    return np.where(codes == MISSING, MISSING, merged[codes]).astype(np.int32), np.asarray(ids, dtype=object)


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes int32 by first appearance and the distinct values of integers, int64.

    Where they lie close together a table with a place for each is several times as fast as the hash table of `factorize`.
    """
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, -1)
    if high - low >= _SPREAD * len(values):
        codes, ids = pd.factorize(values)
        return codes.astype(np.int32), ids
    places = values - low if low else values
    table = np.empty(high - low + 1, np.int32)
    rows = np.arange(len(values), dtype=np.int32)
    # Of several rows with one value the last to be written stays: from the end, that is the first.
    table[places[::-1]] = rows[::-1]
    ids = values[table[places] == rows]
    table[ids - low] = np.arange(len(ids), dtype=np.int32)
    return table[places], ids


def compact(codes: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Renumbers codes by first appearance and drops the identifiers that are not used; codes must not be `MISSING`."""
    renumbered, used = pd.factorize(codes)
    return renumbered.astype(np.int32), ids[used]


def lookup(index: pd.Index, ids: Any) -> np.ndarray:
    """The positions of identifiers in a vocabulary, `(n,)` int32, -1 where unknown; integers and their text are the same."""
    wanted = np.asarray(ids)
    if wanted.ndim != 1:
        raise ValueError(f"Identifiers must be a list or a vector. Received: {ids!r}")
    if wanted.dtype.kind not in "iu":
        wanted = _strings(wanted)
        if index.dtype == np.int64:
            wanted = np.array([_integer(text) for text in wanted], dtype=object)
    elif index.dtype != np.int64:
        wanted = _strings(wanted)
    return index.get_indexer(pd.Index(wanted)).astype(np.int32)


def vocabulary(ids: Any, name: str) -> np.ndarray:
    """Identifiers as a vocabulary holds them: all int64, or all `str` (dtype object).

    Raises:
        ValueError: if they are not a vector of integers or text.
    """
    given = np.asarray(ids)
    if given.ndim != 1 or given.dtype.kind not in "iuUSO":
        raise ValueError(
            f"`{name}` must be a vector of integers or text. Received: shape {given.shape}, dtype {given.dtype}"
        )
    if given.dtype == np.int64 or given.dtype == object:
        return given
    return _as_ids(given, name, parse_integers=False)


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two vocabularies are equal, in the same order."""
    return first is second or (first.dtype == second.dtype and np.array_equal(first, second))


def positions(vocabulary: np.ndarray, ids: np.ndarray, name: str) -> np.ndarray:
    """As `lookup`, in a vocabulary that a caller gave as the argument `name`.

    Raises:
        ValueError: if an identifier occurs twice in it.
    """
    index = pd.Index(vocabulary)
    if not index.is_unique:
        raise ValueError(f"`{name}` must be distinct. Received: {index[index.duplicated()][0]!r} more than once")
    return lookup(index, ids)


def union(first: np.ndarray, second: np.ndarray, role: str) -> tuple[np.ndarray, np.ndarray]:
    """The first vocabulary followed by what the second adds, and the codes of the second in it, int32."""
    if first.dtype != object and second.dtype == object:
        exact = _to_int64(second)
        if exact is None:
            logger.warning("The two tables have different types of %s identifiers: all of them become strings.", role)
            first = _strings(first)
        else:
            second = exact
    elif first.dtype == object and second.dtype != object:
        second = _strings(second)
    codes = lookup(pd.Index(first), second)
    new = codes == -1
    codes[new] = len(first) + np.arange(np.count_nonzero(new), dtype=np.int32)
    return np.concatenate([first, second[new]]), codes


def _integer(text: str) -> int | None:
    try:
        value = int(text)
    except ValueError:
        return None
    return value if str(value) == text else None


def _as_ids(values: Any, column: Hashable, parse_integers: bool) -> np.ndarray:
    """Distinct values as int64 if they are integers, else as `str`."""
    array = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if array.dtype.kind in "iu":
        exact = _to_int64(array)
        return array.astype(str).astype(object) if exact is None else exact
    if array.dtype.kind == "f":
        return _from_floats(array, column)
    array = array.astype(object)
    kind = pd.api.types.infer_dtype(array, skipna=False)
    if kind == "integer":
        exact = _to_int64(array)
        return _strings(array) if exact is None else exact
    if kind == "floating":
        return _from_floats(array.astype(np.float64), column)
    if kind not in ("string", "bytes", "empty", "boolean"):
        logger.warning("The column %r mixes types of identifiers (%s): all of them become strings.", column, kind)
    strings = _strings(array)
    exact = _to_int64(strings) if parse_integers else None
    return strings if exact is None else exact


def _strings(array: np.ndarray) -> np.ndarray:
    texts = [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in array]
    strings = np.empty(len(texts), dtype=object)
    strings[:] = texts
    return strings


def _from_floats(array: np.ndarray, column: Hashable) -> np.ndarray:
    """Integers that became floats, as pandas makes them beside missing values, are integers again."""
    if np.all(np.isfinite(array)) and np.all(array == np.rint(array)) and np.all(np.abs(array) <= 2.0**53):
        return array.astype(np.int64)
    logger.warning("The column %r holds identifiers that are not whole numbers: all of them become strings.", column)
    return _strings(array)


def _to_int64(array: np.ndarray) -> np.ndarray | None:
    """The values as int64, or None unless each is the usual spelling of an integer that fits."""
    try:
        integers = array.astype(np.int64)
    except (ValueError, OverflowError):
        return None
    if array.dtype.kind == "u":
        return integers if np.all(integers >= 0) else None
    same = integers.astype(str).astype(object) == array.astype(object) if array.dtype == object else True
    if array.dtype == object and array.size and not isinstance(array[0], str):
        same = integers.astype(object) == array
    return integers if np.all(same) else None


def order_values(values: pd.Series, column: Hashable) -> np.ndarray:
    """A column of numbers or dates as numbers, int64 or float64, that sort in the same order.

    Dates in text are read as ISO 8601, or else in the format of the first of them, month first where both readings fit
    every row. Dates without a time zone count as UTC.

    Raises:
        ValueError: if a value is missing, or is neither a number nor a date. It names the first such row.
    """
    missing = values.isna().to_numpy()
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        missing = missing | (values == "").to_numpy(dtype=bool, na_value=False)
    if missing.any():
        raise ValueError(
            f"The order column {str(column)!r} must have a value in every row. Fill it, drop those rows, or pass "
            f"`order_column=False` for the order of the rows. Received: {np.count_nonzero(missing)} missing, the first in "
            f"row {int(missing.argmax())} (rows count from 0)"
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        return _numbers(values)
    if pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_timedelta64_dtype(values.dtype):
        return values.astype("int64").to_numpy()
    return _parse_order(values, column)


def _numbers(values: pd.Series) -> np.ndarray:
    integral = pd.api.types.is_integer_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)
    return values.to_numpy(dtype=np.int64 if integral and str(values.dtype).lower() != "uint64" else np.float64)


def _parse_order(values: pd.Series, column: Hashable) -> np.ndarray:
    """Text as numbers, or as dates; whichever reading fits every row."""
    numbers = pd.to_numeric(values, errors="coerce")
    bad = numbers.isna().to_numpy()
    if not bad.any():
        return _numbers(numbers)
    for date_format in _date_formats(values):
        dates = pd.to_datetime(values, errors="coerce", utc=True, format=date_format)
        unread = dates.isna().to_numpy()
        if not unread.any():
            return dates.astype("int64").to_numpy()
        if np.count_nonzero(unread) < np.count_nonzero(bad):
            bad = unread
    row = int(bad.argmax())
    raise ValueError(
        f"The order column {str(column)!r} must hold numbers, or dates in one format. Received: {values.iloc[row]!r} in row "
        f"{row} (rows count from 0)"
    )


def _date_formats(values: pd.Series) -> list[str]:
    first = values.iloc[0]
    if not isinstance(first, str):
        return ["ISO8601"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        guesses = [pd.tseries.api.guess_datetime_format(first, dayfirst=dayfirst) for dayfirst in (False, True)]
    return ["ISO8601", *dict.fromkeys(guess for guess in guesses if guess is not None)]
