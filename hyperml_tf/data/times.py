"""Times as they are in an order column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hyperml_tf.data.origin import PANDAS_UNITS, unix_unit


def as_time(when: Any, times: np.ndarray) -> int | float:
    """Converts a time to a number that compares with those of an order column.

    Args:
        when: a number, or a date in text, UTC unless it has a zone.
        times: the numbers of the order column. They are taken for Unix times in the unit that makes sense of the largest one.

    Raises:
        ValueError: if `when` is neither, or if it is a date and the numbers are no times.

    Example:

    >>> as_time("2024-01-01", np.array([1700000000, 1710000000]))
    1704067200
    >>> as_time("12", np.array([3, 17]))
    12.0
    """
    try:
        return float(when)
    except (TypeError, ValueError):
        pass
    try:
        date = pd.Timestamp(when)
    except (TypeError, ValueError) as error:
        raise ValueError(f"A time must be a number or a date such as 2024-01-01. Received: {when!r}") from error
    unit = unix_unit(times.max(initial=0))
    if not unit or date is pd.NaT:
        raise ValueError(
            "A date requires an order column of times: dates, or Unix times in seconds, milliseconds, microseconds or "
            f"nanoseconds. Received: {when!r}, for an order column of numbers up to {times.max(initial=0)}"
        )
    date = date.tz_localize("UTC") if date.tzinfo is None else date
    seconds, nanoseconds = divmod(date.as_unit("ns").value, 10**9)
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[PANDAS_UNITS[unit]]
    # Rounded up: a time within a second is after its beginning.
    return seconds * per_second + -(-nanoseconds * per_second // 10**9)
