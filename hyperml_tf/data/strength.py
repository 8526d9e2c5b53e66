"""What the rows of a table count for: the weights of their events, their own weights, and their ratings."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from hyperml_tf.data.columns import Columns
from hyperml_tf.data.identifiers import MISSING, encode_ids
from hyperml_tf.data.table_options import TableOptions
from hyperml_tf.data.tabular import plain

logger = logging.getLogger(__name__)

_LISTED = 20


@dataclasses.dataclass
class Strength:
    """What the rows count for.

    Args:
        kept: `(rows,)` booleans, the rows that count at all; None if all do.
        weights: `(rows,)` float64; None if all rows that count weigh the same.
        dropped: the number of rows that do not count, by the reason.
        events: the number of rows of each kind of event.
    """

    kept: np.ndarray | None = None
    weights: np.ndarray | None = None
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)
    events: dict[str, int] = dataclasses.field(default_factory=dict)

    def drop(self, rows: np.ndarray, why: str) -> None:
        """Lets rows not count, `(rows,)` booleans. Rows that did not count already are not counted again."""
        rows = rows if self.kept is None else rows & self.kept
        if number := int(np.count_nonzero(rows)):
            self.kept = ~rows if self.kept is None else self.kept & ~rows
            self.dropped[why] = number

    def multiply(self, weights: np.ndarray) -> None:
        """Multiplies the weights of the rows."""
        self.weights = weights if self.weights is None else self.weights * weights


def strength_of(frame: pd.DataFrame, columns: Columns, options: TableOptions) -> Strength:
    """Reads the rating, event and weight columns of a table, those that are used.

    Args:
        frame: the table.
        columns: the labels of its columns.
        options: how it is read.

    Raises:
        ValueError: if a rating or a weight is not a number, a weight is missing, negative or not finite, or a kind of event has
            no weight.
    """
    strength = Strength()
    if columns.rating is not None and options.min_rating is not None:
        _drop_low_ratings(strength, _numbers(frame[columns.rating], columns.rating), options.min_rating, columns.rating)
    if columns.event is not None and options.weights is not None:
        _weight_events(strength, frame[columns.event], options.weights, columns.event)
    if columns.weight is not None:
        weights = _numbers(frame[columns.weight], columns.weight)
        _check_weights(weights, columns.weight)
        strength.drop(weights == 0, f"with the weight 0 in {str(columns.weight)!r}")
        strength.multiply(weights)
    return strength


def _drop_low_ratings(strength: Strength, ratings: np.ndarray, lowest: float, column: Hashable) -> None:
    strength.drop(np.isnan(ratings), f"without a rating in {str(column)!r}")
    strength.drop(ratings < lowest, f"with a rating below {lowest:g} in {str(column)!r}")


def _weight_events(strength: Strength, values: pd.Series, weights: Mapping[str, float], column: Hashable) -> None:
    codes, names = encode_ids(values, column)
    # The last entry, which `MISSING` selects, is that of rows without an event.
    found = [*map(str, names.tolist()), ""]
    counts = np.bincount(np.where(codes == MISSING, len(found) - 1, codes), minlength=len(found)).tolist()
    strength.events = {name: count for name, count in zip(found, counts, strict=True) if count}
    check_events(strength.events, weights, column)
    of_kind = np.array([weights.get(name, 0.0) for name in found])
    of_row = of_kind[codes]
    zero = [name for name in strength.events if weights[name] == 0]
    strength.drop(of_row == 0, f"with events of weight 0 in {str(column)!r} ({', '.join(zero)})")
    strength.multiply(of_row)


def check_events(events: Mapping[str, int], weights: Mapping[str, float], column: Hashable) -> None:
    """Raises an error if a kind of event has no weight, and logs a warning about weights of kinds that there are not.

    Args:
        events: the number of rows of each kind.
        weights: the weight of each kind.
        column: the label of the column.
    """
    if unknown := [name for name in events if name not in weights]:
        raise ValueError(
            f"`event_weights` must name every kind of event in {str(column)!r}; give those that are to be dropped the weight 0. "
            f"The column has {_listed(events)}. Received: no weight for {', '.join(map(repr, unknown[:_LISTED]))}"
        )
    for name in weights:
        if name not in events:
            logger.warning("`event_weights` names %r, which the column %r does not have.", name, column)


def _listed(events: Mapping[str, int]) -> str:
    most = sorted(events.items(), key=lambda event: -event[1])
    more = f" and {len(most) - _LISTED} more kinds" if len(most) > _LISTED else ""
    return ", ".join(f"{name!r} ({count:,} rows)" for name, count in most[:_LISTED]) + more


def _numbers(values: pd.Series, column: Hashable) -> np.ndarray:
    """A column as float64; NaN where a value is missing."""
    values = plain(values)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    missing = values.isna().to_numpy(dtype=bool)
    if not pd.api.types.is_any_real_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        with contextlib.suppress(TypeError, ValueError):
            missing = missing | (values == "").to_numpy(dtype=bool, na_value=False)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    unread = np.isnan(numbers) & ~missing
    if unread.any():
        row = int(np.argmax(unread))
        raise _not_a_number(column, "numbers", repr(values.iloc[row]), row)
    return numbers


def _check_weights(weights: np.ndarray, column: Hashable) -> None:
    wrong = ~((weights >= 0) & (weights < np.inf))
    if wrong.any():
        row = int(np.argmax(wrong))
        received = "a missing value" if np.isnan(weights[row]) else str(weights[row])
        raise _not_a_number(column, "a finite weight >= 0 in every row", received, row)


def _not_a_number(column: Hashable, expected: str, received: str, row: int) -> ValueError:
    return ValueError(
        f"The column {str(column)!r} must hold {expected}. Received: {received} in row {row} (rows count from 0)"
    )
