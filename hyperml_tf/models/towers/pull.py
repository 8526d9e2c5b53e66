"""How users are placed by their items."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from hyperml_tf.models.argument_checks import check_not_negative, check_positive
from hyperml_tf.numerics import Tensor


@dataclasses.dataclass(frozen=True)
class History:
    """How a `HistoryTower` makes users of items. The defaults are one set for all data.

    Args:
        length: how many of a user's items a training step reads, at least 1.
        weight: how far a single item pulls, >= 0. The pull of `n` items grows with the root of `min(n, length)`.
        shrinkage: the number of items at which a user's own offset counts half, >= 0; 0: it always counts in full.
        window: how many places from the positive, on average, the items are that a step reads, > 0; None: they are drawn from
            all of the user's.
        half_life: after training, places after which an item weighs twice as much, > 0; None: all weigh the same. 3 suits the
            question what a user will take next, None what may be missing anywhere in a history.

    Raises:
        ValueError: if a number is out of its range.

    Example:

    >>> History(half_life=None).length
    16
    """

    length: int = 16
    weight: float = 0.4
    shrinkage: float = 20.0
    window: float | None = 20.0
    half_life: float | None = 3.0

    def __post_init__(self) -> None:
        check_positive(length=self.length)
        check_not_negative(weight=self.weight, shrinkage=self.shrinkage)
        for name in ("window", "half_life"):
            if getattr(self, name) is not None:
                check_positive(**{name: getattr(self, name)})

    @classmethod
    def unordered(cls) -> History:
        """For users whose items come in no order that means anything."""
        return cls(window=None, half_life=None)

    def pull(self, sums: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
        """The tangent vectors to which their items pull users.

        Args:
            sums: weighted sums of the items' vectors, `(batch, dim)`.
            weights: sums of the weights, `(batch,)`.
            counts: the number of items of each user, `(batch,)` int32.

        Returns:
            `weight * sqrt(min(n, length))` times the weighted mean, `(batch, dim)`; 0 for users without items.
        """
        strength = self.weight * tf.sqrt(tf.cast(tf.minimum(counts, self.length), tf.float32))
        return sums * tf.math.divide_no_nan(strength, weights)[:, tf.newaxis]

    def to_dict(self) -> dict[str, Any]:
        """What `as_history` makes the same of."""
        return dataclasses.asdict(self)


HistoryArgument = History | Mapping[str, Any] | int | None


def as_history(value: HistoryArgument) -> History | None:
    """A `History` from one, its arguments, its length alone, or nothing for 0 and None.

    Raises:
        ValueError: if the value is none of these.
    """
    if value is None or isinstance(value, History):
        return value
    if isinstance(value, Mapping):
        return History(**value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return History(length=value) if value else None
    raise ValueError(
        f"`history` must be a `History`, its arguments, a number of items >= 0, or None. Received: {value!r}"
    )
