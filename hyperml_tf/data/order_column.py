"""Conversion of the order column, numbers or dates in any format, to numbers that sort in the same order."""

from __future__ import annotations

import contextlib
import email.utils
import logging
import re
import warnings
from collections.abc import Hashable, Iterator

import numpy as np
import pandas as pd

from hyperml_tf.data.tabular import plain

logger = logging.getLogger(__name__)

_ISO = "ISO8601"
# Formats that pandas does not guess: those of Twitter and Foursquare, of Unix `date`, and of web server logs.
_OTHER_FORMATS = ("%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Z %Y", "%d/%b/%Y:%H:%M:%S %z")
_HALF_OF_DAY = re.compile(r"(\s*)[AP]M$", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"^(\d{1,2}([/.-])\d{1,2}\2)(\d{2})(?!\d)")
_UTC = re.compile(r"\s*(UTC|GMT|Z)$")
_RFC_2822 = re.compile(r"^([A-Za-z]{3},\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{2,4}\s+\d{2}:\d{2}")


def order_values(values: pd.Series, column: Hashable) -> np.ndarray:
    """Converts a column of numbers or dates to int64 or float64.

    The order of integers is exact whatever their width, also for integers in text. Dates in text must all have one format:
    ISO 8601 (a space and "UTC" may follow), RFC 2822, numeric dates with an optional time and AM or PM, or a format with names
    of months. Numeric dates that can be parsed both month first and day first are parsed month first, with a warning. Dates
    without a time zone are UTC.

    Args:
        values: the column.
        column: its name, for error messages.

    Returns:
        Numbers, `(rows,)`, that sort as the column does.

    Raises:
        ValueError: if a value is missing, or is neither a number nor a date. The message names the first such row.
    """
    values = plain(values)
    _check_complete(values, column)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_any_real_numeric_dtype(values.dtype):
        return _sortable(values)
    if values.dtype.kind in "Mm" or isinstance(values.dtype, pd.PeriodDtype):
        return values.astype("int64").to_numpy()
    return _parse(values, column)


def _check_complete(values: pd.Series, column: Hashable) -> None:
    missing = values.isna().to_numpy()
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        # A value that cannot be compared is not text, and fails later.
        with contextlib.suppress(TypeError, ValueError):
            missing = missing | (values == "").to_numpy(dtype=bool, na_value=False)
    if missing.any():
        raise ValueError(
            f"The order column {str(column)!r} must have a value in every row. Fill in the missing values, drop their rows, or "
            "load the table without an order column, which keeps the order of the rows. "
            f"Received: {np.count_nonzero(missing)} missing, the first in row {int(np.argmax(missing))} (rows count from 0)"
        )


def _sortable(values: pd.Series) -> np.ndarray:
    """Converts numbers and booleans to int64 or float64."""
    if str(values.dtype).lower() == "uint64":
        numbers = values.to_numpy(dtype=np.uint64)
        # Flipping the highest bit subtracts 2^63, which shifts the range of uint64 to that of int64.
        return (
            (numbers ^ np.uint64(2**63)).view(np.int64) if numbers.max(initial=0) >= 2**63 else numbers.astype(np.int64)
        )
    integral = pd.api.types.is_integer_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)
    return values.to_numpy(dtype=np.int64 if integral else np.float64)


def _parse(values: pd.Series, column: Hashable) -> np.ndarray:
    """Parses text and other objects as numbers, or else as dates."""
    numbers, unread = _numbers(values)
    if not unread.any():
        return numbers
    for read in (_dates, _rfc_2822_dates):
        dates, not_dates = read(values)
        if not not_dates.any():
            return dates
        # For the error message: the format that parses most rows is the one that was meant.
        if np.count_nonzero(not_dates) < np.count_nonzero(unread):
            unread = not_dates
    row = int(np.argmax(unread))
    raise ValueError(
        f"The order column {str(column)!r} must hold numbers, or dates in one format. Received: {values.iloc[row]!r} in row "
        f"{row} (rows count from 0)"
    )


def _numbers(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, and a mask of the values that could not be parsed."""
    try:
        numbers = pd.to_numeric(values, errors="coerce")
    except (TypeError, ValueError, OverflowError):
        numbers = None
    if numbers is None or numbers.dtype.kind == "c":
        return np.zeros(len(values)), np.ones(len(values), bool)
    unread = numbers.isna().to_numpy()
    if not unread.any() and numbers.dtype == np.float64 and numbers.abs().max() >= 2.0**53:
        try:
            exact = np.array([int(str(value)) for value in values], dtype=object)
        except ValueError:
            pass
        else:
            # Integers beyond 64 bits are replaced by their ranks.
            return np.unique(exact, return_inverse=True)[1].astype(np.int64), unread
    return _sortable(numbers), unread


def _dates(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Dates in the format that parses most values, and a mask of the values that could not be parsed."""
    first = values.iloc[0]
    fewest: np.ndarray | None = None
    for date_format in _formats(first):
        dates = _read_dates(values, date_format)
        unread = dates.isna().to_numpy()
        if not unread.any():
            _warn_if_ambiguous(values, date_format)
            return dates.astype("int64").to_numpy(), unread
        if fewest is None or np.count_nonzero(unread) < np.count_nonzero(fewest):
            fewest = unread
    return np.zeros(len(values)), np.ones(len(values), bool) if fewest is None else fewest


def _formats(first: object) -> Iterator[str]:
    """The formats in which the first value of a column can be parsed."""
    yield _ISO
    if isinstance(first, str):
        guesses = (_guess(first, dayfirst) for dayfirst in (False, True))
        for date_format in dict.fromkeys([*guesses, *_OTHER_FORMATS]):
            if date_format is not None and not _read_dates(pd.Series([first]), date_format).isna().any():
                yield date_format


def _guess(text: str, dayfirst: bool) -> str | None:
    """The format of a date, as pandas guesses it, extended by AM and PM and by years of two digits."""
    half = _HALF_OF_DAY.search(text)
    short_year = _SHORT_YEAR.match(text)
    if half is not None:
        text = text[: half.start()]
    if short_year is not None:
        text = f"{short_year[1]}20{text[short_year.start(3) :]}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        guess = pd.tseries.api.guess_datetime_format(text, dayfirst=dayfirst)
    if guess is None:
        return None
    if half is not None:
        guess = f"{guess.replace('%H', '%I')}{half[1]}%p"
    return guess.replace("%Y", "%y") if short_year is not None else guess


def _read_dates(values: pd.Series, date_format: str) -> pd.Series:
    """Parses dates as UTC. Values in another format become missing."""
    if date_format == _ISO and isinstance(values.iloc[0], str) and _UTC.search(values.iloc[0]):
        values = values.map(lambda value: _UTC.sub("Z", value) if isinstance(value, str) else value)
    try:
        return pd.to_datetime(values, errors="coerce", utc=True, format=date_format)
    except (TypeError, ValueError, OverflowError):
        return pd.Series(pd.NaT, index=values.index)


def _warn_if_ambiguous(values: pd.Series, date_format: str) -> None:
    """Warns if the dates were parsed month first, but could also be parsed day first."""
    swapped = re.sub(r"%m(\W)%d(\W%[Yy])", r"%d\1%m\2", date_format)
    if swapped != date_format and not _read_dates(values, swapped).isna().any():
        logger.warning(
            "Dates such as %r can be parsed month first or day first, and were parsed month first. If that is wrong, write "
            "them as year-month-day.",
            values.iloc[0],
        )


def _rfc_2822_dates(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """As `_dates`, for RFC 2822, which allows named time zones, comments and missing parts."""
    if not (isinstance(values.iloc[0], str) and _RFC_2822.match(values.iloc[0])):
        return np.zeros(len(values)), np.ones(len(values), bool)
    seconds = [_rfc_2822_seconds(value) for value in values]
    unread = np.array([value is None for value in seconds])
    return np.array([0 if value is None else value for value in seconds], np.int64), unread


def _rfc_2822_seconds(value: object) -> int | None:
    parts = email.utils.parsedate_tz(value) if isinstance(value, str) and _RFC_2822.match(value) else None
    try:
        return None if parts is None else email.utils.mktime_tz(parts)
    except (ValueError, OverflowError):
        return None
