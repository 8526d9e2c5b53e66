"""How users are placed by their items."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

from hyperml_tf.settings.base import Settings
from hyperml_tf.settings.documentation import documented
from hyperml_tf.settings.setting import setting


@documented
@dataclasses.dataclass(frozen=True)
class History(Settings):
    """How a `HistoryTower` makes users of items. The defaults are one set for all data.

    Args: the fields below.

    Raises:
        ValueError: if a value is out of its range.

    Example:

    >>> History(half_life=None).length
    16
    """

    length: int = setting(16, "How many of a user's items a training step reads.", at_least=1)
    weight: float = setting(
        0.4, "How far a single item pulls. The pull of `n` items grows with the root of `min(n, length)`.", at_least=0
    )
    shrinkage: float = setting(
        20.0, "Number of items at which a user's own offset counts half; 0: it always counts in full.", at_least=0
    )
    window: float | None = setting(
        20.0,
        "How many places from the positive, on average, the items are that a step reads; None: they are drawn from all.",
        above=0,
    )
    half_life: float | None = setting(
        3.0,
        "After training, an item weighs half as much as the one this many places after it; None or infinity: all the same.",
        above=0,
        infinite=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half_life == math.inf:
            object.__setattr__(self, "half_life", None)

    @classmethod
    def unordered(cls) -> History:
        """For users whose items come in no order that means anything."""
        return cls(window=None, half_life=None)


HistoryArgument = History | Mapping[str, Any] | int | None


class AskedHistory(NamedTuple):
    """What a `history` argument asks for.

    Attributes:
        length: the number of items; None leaves it to the default.
        half_life: of the items; None leaves it to the default, infinity gives all the same weight.
        base: the whole `History`, where it was given.
    """

    length: int | None = None
    half_life: float | None = None
    base: History | None = None

    @classmethod
    def of(cls, value: HistoryArgument) -> AskedHistory:
        """Takes a `History`, its arguments, its length alone, 0 or None."""
        if value is None:
            return cls()
        history = as_history(value)
        if history is None:
            return cls(0)
        if isinstance(value, numbers.Integral):
            return cls(history.length)
        return cls(history.length, history.half_life or math.inf, history)


def as_history(value: HistoryArgument) -> History | None:
    """A `History` from one, its arguments, its length alone, or nothing for 0 and None.

    Raises:
        ValueError: if the value is none of these.

    Example:

    >>> as_history(5) == History(length=5)
    True
    """
    if value is None or isinstance(value, History):
        return value
    if isinstance(value, Mapping):
        return History(**value)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 0:
        return History(length=int(value)) if value else None
    raise ValueError(
        f"`history` must be a `History`, its arguments, a number of items >= 0, or None. Received: {value!r}"
    )
