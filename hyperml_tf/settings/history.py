"""How users are represented by the items of their histories."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from hyperml_tf.settings.base import Settings
from hyperml_tf.settings.documentation import documented
from hyperml_tf.settings.setting import setting

# Which items are near a held-out one matters less if it may be anywhere, and other items in every step keep a model that reads
# long histories from learning them by heart.
_SPREAD = 3


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

    length: int = setting(
        16, "Number of items before a positive, and of those after it, that a training step reads.", at_least=1
    )
    weight: float = setting(
        0.4, "Weight of a single item. That of `n` items is larger by the square root of `min(n, length)`.", at_least=0
    )
    shrinkage: float = setting(
        20.0, "Number of items at which the offset of a user has half its weight; 0: no shrinkage.", at_least=0
    )
    half_life: float | None = setting(
        3.0,
        "The weight of an item halves every `half_life` later items; None or infinity: all weigh the same.",
        above=0,
        infinite=True,
    )
    around: float = setting(
        0.5,
        "Share of the training positives whose users are placed by the items on both sides of the positive, with equal weights; "
        "the others by the items before it, weighted as in inference.",
        at_least=0,
        at_most=1,
    )
    spread: int = setting(
        1,
        "The items on the sides of a positive are one in `spread`, drawn at random, of `spread` times `length` on each side; "
        "all of them, if a user has at most `length`.",
        at_least=1,
    )
    recent_weight: float = setting(
        0.35, "Weight of the second vector of the newest item; 0: items have no second vector.", at_least=0
    )
    recent_half_life: float = setting(
        1.0, "The weight of the second vector of an item halves every `recent_half_life` later items.", above=0
    )
    neighbours: Literal["nearest", "random"] = setting(
        "nearest",
        "Which items are on the sides of a positive in training: the nearest in the order of the user, or random ones.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half_life == math.inf:
            object.__setattr__(self, "half_life", None)

    @classmethod
    def unordered(cls) -> History:
        """Returns the settings for tables without a meaningful order of rows."""
        return cls(half_life=None, around=1.0, recent_weight=0.0, neighbours="random")

    @classmethod
    def of_table(cls, ordered: bool, split: str | None = None, directed: bool = True) -> History:
        """Returns the settings for a table.

        Args:
            ordered: Boolean, whether the order of a user's rows is meaningful.
            split: Optional string, how rows were held out, see `leave_one_out`. An item that was held out at random may be
                anywhere in the history, so that the newest items are not special. Defaults to `None`.
            directed: Boolean, whether the order says something about what comes next, see `TableFacts`. If not, the items on
                either side of another one tell as much. Defaults to `True`.
        """
        if not ordered:
            return cls.unordered()
        if split == "random":
            return cls(half_life=None, around=1.0, spread=_SPREAD, recent_weight=0.0)
        return cls() if directed else cls(around=1.0, recent_weight=0.0)


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
        return History.of_argument("history", value)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 0:
        return History(length=int(value)) if value else None
    raise ValueError(
        f"`history` must be a `History`, its arguments, a number of items >= 0, or None. Received: history={value!r}"
    )
