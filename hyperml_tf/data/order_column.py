"""The order column of a table: numbers or dates, in any form, as numbers that sort alike."""

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
# Formats that pandas does not guess: of Twitter and Foursquare, of Unix `date`, and of web server logs.
_OTHER_FORMATS = ("%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Z %Y", "%d/%b/%Y:%H:%M:%S %z")
_HALF_OF_DAY = re.compile(r"(\s*)[AP]M$", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"^(\d{1,2}([/.-])\d{1,2}\2)(\d{2})(?!\d)")
_UTC = re.compile(r"\s*(UTC|GMT|Z)$")
_RFC_2822 = re.compile(r"^([A-Za-z]{3},\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{2,4}\s+\d{2}:\d{2}")


def order_values(values: pd.Series, column: Hashable) -> np.ndarray:
    """A column of numbers or dates as numbers, int64 or float64, that sort in the same order.

    Integers of every width keep their order exactly, in text as well. Dates in text must all have one format: ISO 8601 (also
    with "UTC" behind a space), RFC 2822, day, month and year as numbers with or without a time and AM or PM, or a format with
    the name of the month. Where all rows can be read with the month first and with the day first, the month comes first,
    with a warning. Dates without a time zone count as UTC.

    Args:
        values: the column.
        column: its name, for messages.

    Raises:
        ValueError: if a value is missing, or is neither a number nor a date. It names the first such row.
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
        # A value that cannot be compared is no text, and is refused later.
        with contextlib.suppress(TypeError, ValueError):
            missing = missing | (values == "").to_numpy(dtype=bool, na_value=False)
    if missing.any():
        raise ValueError(
            f"The order column {str(column)!r} must have a value in every row. Fill in the missing values, drop their rows, or "
            "load the table without an order column, which keeps the order of the rows. "
            f"Received: {np.count_nonzero(missing)} missing, the first in row {int(missing.argmax())} (rows count from 0)"
        )


def _sortable(values: pd.Series) -> np.ndarray:
    """Numbers and booleans as int64 or float64."""
    if str(values.dtype).lower() == "uint64":
        numbers = values.to_numpy(dtype=np.uint64)
        # Beyond int64, shift the range: flipping the highest bit subtracts 2^63.
        return (
            (numbers ^ np.uint64(2**63)).view(np.int64) if numbers.max(initial=0) >= 2**63 else numbers.astype(np.int64)
        )
    integral = pd.api.types.is_integer_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)
    return values.to_numpy(dtype=np.int64 if integral else np.float64)


def _parse(values: pd.Series, column: Hashable) -> np.ndarray:
    """Text and other objects as numbers, or as dates, whichever reading fits every row."""
    numbers, unread = _numbers(values)
    if not unread.any():
        return numbers
    for read in (_dates, _rfc_2822_dates):
        dates, not_dates = read(values)
        if not not_dates.any():
            return dates
        # Of all readings, the one that fits most rows says best which row is wrong.
        if np.count_nonzero(not_dates) < np.count_nonzero(unread):
            unread = not_dates
    row = int(unread.argmax())
    raise ValueError(
        f"The order column {str(column)!r} must hold numbers, or dates in one format. Received: {values.iloc[row]!r} in row "
        f"{row} (rows count from 0)"
    )


def _numbers(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The values as numbers, and which of them are none."""
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
            # Integers that neither 64 bits nor a float hold: their ranks sort alike.
            return np.unique(exact, return_inverse=True)[1].astype(np.int64), unread
    return _sortable(numbers), unread


def _dates(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The values as dates in one format, and which of them do not fit the format that fits most."""
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
    """The formats that a column may have whose first value is `first`."""
    yield _ISO
    if isinstance(first, str):
        guesses = (_guess(first, dayfirst) for dayfirst in (False, True))
        for date_format in dict.fromkeys([*guesses, *_OTHER_FORMATS]):
            if date_format is not None and not _read_dates(pd.Series([first]), date_format).isna().any():
                yield date_format


def _guess(text: str, dayfirst: bool) -> str | None:
    """The format of a date, as pandas guesses it; and with AM or PM and with two digits of a year, which it does not."""
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
    """Dates in UTC, missing where the value does not have the format."""
    if date_format == _ISO and isinstance(values.iloc[0], str) and _UTC.search(values.iloc[0]):
        values = values.map(lambda value: _UTC.sub("Z", value) if isinstance(value, str) else value)
    try:
        return pd.to_datetime(values, errors="coerce", utc=True, format=date_format)
    except (TypeError, ValueError, OverflowError):
        return pd.Series(pd.NaT, index=values.index)


def _warn_if_ambiguous(values: pd.Series, date_format: str) -> None:
    """Warns if a format with the month before the day could as well be read with the day before the month."""
    swapped = re.sub(r"%m(\W)%d(\W%[Yy])", r"%d\1%m\2", date_format)
    if swapped != date_format and not _read_dates(values, swapped).isna().any():
        logger.warning(
            "The dates, such as %r, can be read with the month first or the day first: the month is taken as first. "
            "Write them as year-month-day if that is wrong.",
            values.iloc[0],
        )


def _rfc_2822_dates(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """As `_dates`, for RFC 2822, whose zones have names and whose parts may be missing."""
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
