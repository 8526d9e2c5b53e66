"""How users are represented by the items of their histories."""

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
    """How a `HistoryTower` represents users by their items. The defaults are the same for all data.

    Args: the fields below.

    Raises:
        ValueError: If a value is out of its range.

    Example:

    >>> History(half_life=None).length
    16
    """

    length: int = setting(16, "Number of items of a user that a training step reads.", at_least=1)
    weight: float = setting(
        0.4, "Weight of a single item. That of `n` items is larger by the square root of `min(n, length)`.", at_least=0
    )
    shrinkage: float = setting(
        20.0, "Number of items at which the offset of a user has half its weight; 0: no shrinkage.", at_least=0
    )
    window: float | None = setting(
        20.0,
        "Mean distance, in items, of the items that a training step reads from the positive; None: they are sampled uniformly.",
        above=0,
    )
    half_life: float | None = setting(
        3.0,
        "In inference, the weight of an item halves every `half_life` later items; None or infinity: all weigh the same.",
        above=0,
        infinite=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half_life == math.inf:
            object.__setattr__(self, "half_life", None)

    @classmethod
    def unordered(cls) -> History:
        """Returns the settings for tables without a meaningful order of rows."""
        return cls(window=None, half_life=None)


HistoryArgument = History | Mapping[str, Any] | int | None


class AskedHistory(NamedTuple):
    """The parts of a `history` argument.

    Attributes:
        length: The number of items; `None` for the default.
        half_life: The half-life; `None` for the default, infinity for equal weights.
        base: The `History`, if one was given.
    """

    length: int | None = None
    half_life: float | None = None
    base: History | None = None

    @classmethod
    def of(cls, value: HistoryArgument) -> AskedHistory:
        """Parses a `History`, its arguments, its length, 0 or `None`."""
        if value is None:
            return cls()
        history = as_history(value)
        if history is None:
            return cls(0)
        if isinstance(value, numbers.Integral):
            return cls(history.length)
        return cls(history.length, history.half_life or math.inf, history)


def as_history(value: HistoryArgument) -> History | None:
    """Converts a `History`, its arguments or its length to a `History`; 0 and `None` to `None`.

    Raises:
        ValueError: If the value is none of these.

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
        f"`history` must be a `History`, its arguments, a number of items >= 0, or None. Received: history={value!r}"
    )
