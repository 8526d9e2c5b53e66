"""What a table of interactions was read from: its columns, and the rows that were dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from hyperml_tf.data.tabular import plain

# Unix timestamps from 1973 to 5138 in each unit: no number is plausible in two units.
_UNITS = {"seconds": 10**8, "milliseconds": 10**11, "microseconds": 10**14, "nanoseconds": 10**17}
_LARGEST = 9.2e18


@dataclasses.dataclass(frozen=True)
class Span:
    """The first and the last value of an order column.

    Args:
        first: as in the table; Unix timestamps are dates.
        last: likewise.
        unit: the unit of Unix timestamps; empty for other values.
    """

    first: str
    last: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.first} to {self.last}" + (f" (Unix {self.unit})" if self.unit else "")


@dataclasses.dataclass(frozen=True)
class Origin:
    """What `Interactions` were read from.

    Args:
        table: the path of the file, or what it was instead of one.
        columns: the name of the column that was taken for each role: "user", "item", "order", "event", "weight" and "rating".
        others: the names of the columns that were not used.
        rows: the number of rows that were read.
        dropped: the number of rows that were dropped, by the reason.
        repeated: the number of rows that repeat an item of their user.
        repeats: what became of these, see `Interactions.from_frame`.
        events: the number of rows of each kind of event, where events were told apart.
        event_weights: the weights of these.
        span: the first and the last value of the order column; None without one.
        notes: what may not be meant, each with the option to give.
    """

    table: str
    columns: Mapping[str, str]
    others: tuple[str, ...] = ()
    rows: int = 0
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)
    repeated: int = 0
    repeats: str = "first"
    events: Mapping[str, int] = dataclasses.field(default_factory=dict)
    event_weights: Mapping[str, float] | None = None
    span: Span | None = None
    notes: tuple[str, ...] = ()


def span_of(values: pd.Series, when: np.ndarray) -> tuple[Span | None, tuple[str, ...]]:
    """Returns the span of an order column, and a note if it seems to have two units.

    Args:
        values: the column.
        when: `(rows,)` numbers that sort as the column does.
    """
    if not len(when):
        return None, ()
    first, last = (plain(values.iloc[[int(place)]]).iloc[0] for place in (when.argmin(), when.argmax()))
    units = [unix_unit(value) for value in (first, last)]
    if units[0] and units[0] == units[1]:
        unit = PANDAS_UNITS[units[0]]
        return Span(_date(first, unit), _date(last, unit), units[0]), ()
    notes: tuple[str, ...] = ()
    if units[0] and units[1]:
        notes = (
            f"The order column {str(values.name)!r} holds {first} and {last}, which look like Unix {units[0]} and {units[1]}: "
            "rows of different units are in a wrong order. Convert them to one unit.",
        )
    return Span(str(first), str(last)), notes


_PandasUnit = Literal["s", "ms", "us", "ns"]
PANDAS_UNITS: dict[str, _PandasUnit] = {
    "seconds": "s",
    "milliseconds": "ms",
    "microseconds": "us",
    "nanoseconds": "ns",
}


def _date(timestamp: Any, unit: _PandasUnit) -> str:
    return str(pd.to_datetime(int(float(timestamp)), unit=unit))[:19]


def unix_unit(value: object) -> str:
    """Returns the unit in which a number is a Unix timestamp; empty if it is none."""
    try:
        number = float(value)  # type: ignore[arg-type]  # dates and other text raise
    except (TypeError, ValueError):
        return ""
    if not _UNITS["seconds"] <= number < _LARGEST:
        return ""
    return next(unit for unit in reversed(_UNITS) if number >= _UNITS[unit])
