"""How a table is read: which columns are taken for what, and what rows count for."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Any, Literal, get_args

from hyperml_tf.settings.resolution import default_repeats

ColumnChoice = str | Literal[False] | None
"""The name of a column; None to detect it by common names; False for no such column."""

EventWeights = Mapping[Any, float] | str | None
"""A weight for each kind of event, or text such as "purchase=4,view=1"; None if events are not told apart."""

Repeats = Literal["first", "last", "sum"]


@dataclasses.dataclass(frozen=True)
class TableOptions:
    """The options of `Interactions.from_frame`, which describes them, checked for what can be checked without the table.

    Raises:
        ValueError: if options are malformed, or do not go together.
    """

    user_column: str | None = None
    item_column: str | None = None
    order_column: ColumnChoice = None
    repeats: Repeats | None = None
    event_column: ColumnChoice = None
    event_weights: EventWeights = None
    weight_column: ColumnChoice = None
    rating_column: ColumnChoice = None
    min_rating: float | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        if self.repeats is not None and self.repeats not in get_args(Repeats):
            raise ValueError(f"`repeats` must be one of {get_args(Repeats)}. Received: repeats={self.repeats!r}")
        object.__setattr__(self, "event_weights", event_weights(self.event_weights))
        for column, other in (("event_column", "event_weights"), ("rating_column", "min_rating")):
            name, value = getattr(self, column), getattr(self, other)
            if isinstance(name, str) and value is None:
                raise ValueError(
                    f"`{column}` requires `{other}`, see its description. Received: {column}={name!r} alone"
                )
            if name is False and value is not None:
                raise ValueError(f"`{other}` requires a column. Received: {column}=False, {other}={value!r}")
        if self.min_rating is not None and not _is_number(self.min_rating):
            raise ValueError(f"`min_rating` must be a finite number. Received: min_rating={self.min_rating!r}")

    @property
    def weights(self) -> Mapping[str, float] | None:
        """The weight of each kind of event, by its name as text; None if events are not told apart."""
        return self.event_weights  # type: ignore[return-value]  # converted above

    @property
    def kept_repeats(self) -> Repeats:
        """What becomes of rows that repeat a pair."""
        return self.repeats or default_repeats(self.event_weights is not None or bool(self.weight_column))


def event_weights(given: EventWeights) -> dict[str, float] | None:
    """Converts event weights to a dictionary.

    Raises:
        ValueError: if they are neither a mapping nor such text, or a weight is not a finite number >= 0, or all are 0.

    Example:

    >>> event_weights("purchase=4,view=0.5")
    {'purchase': 4.0, 'view': 0.5}
    """
    if given is None:
        return None
    pairs = given.items() if isinstance(given, Mapping) else _parsed(given)
    weights = {str(event): weight for event, weight in pairs}
    right = all(_is_number(weight) and weight >= 0 for weight in weights.values())
    if not right or not any(weights.values()):
        raise ValueError(
            "`event_weights` must give each kind of event a finite weight >= 0, and one of them more than 0, such as "
            f"'purchase=4,cart=2,view=1'. Received: {given!r}"
        )
    return {event: float(weight) for event, weight in weights.items()}


def _parsed(text: Any) -> list[tuple[str, Any]]:
    """The pairs of such text. Names may hold "=", but no comma."""
    if not isinstance(text, str):
        raise ValueError(
            "`event_weights` must be a dictionary, or text such as 'purchase=4,cart=2,view=1'. "
            f"Received: {type(text).__name__} {text!r}"
        )
    pairs = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, weight = part.rpartition("=")
        try:
            pairs.append((name.strip(), float(weight)))
        except ValueError:
            pairs.append((part, math.nan))
    return pairs


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
