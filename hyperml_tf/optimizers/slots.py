"""The slots of an optimizer: variables such as moments, kept beside each trained variable."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple


class Slot(NamedTuple):
    """A variable that an optimizer keeps beside each trained one.

    Attributes:
        name: String. The prefix of the variable's name.
        scalar: Boolean. Whether a variable on the ball needs one value per point, `(..., 1)`, instead of one per coordinate.
            Slots of Euclidean variables always have the shape of the variable. Defaults to `False`.
        initial: Float. The initial value. Defaults to `0.0`.
    """

    name: str
    scalar: bool = False
    initial: float = 0.0


class SlotTable:
    """The trained variables of an optimizer, each with its slots.

    TensorFlow tracks the variables in a list or dictionary that is an attribute of an optimizer, but not those in an object of
    this class. A checkpoint therefore stores each slot once, through `Optimizer.variables`, and no trained variable.
    """

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[Any, tuple[Any, ...]]] = {}

    def add(self, key: Hashable, variable: Any, slots: tuple[Any, ...]) -> None:
        """Stores a variable and its slots under a key that identifies the variable."""
        self._entries[key] = (variable, slots)

    def __getitem__(self, key: Hashable) -> tuple[Any, tuple[Any, ...]]:
        """The variable as the optimizer was built with it, and its slots."""
        return self._entries[key]
