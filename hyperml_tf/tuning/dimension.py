"""What one setting may be."""

from __future__ import annotations

import dataclasses
import math
from typing import Any


@dataclasses.dataclass(frozen=True)
class Fixed:
    """One value; None leaves the setting to the model."""

    value: Any

    def declare(self, hp: Any, name: str, default: Any) -> Any:
        """The value. keras-tuner is told of it, so that it is in its tables, unless it is None."""
        return None if self.value is None else hp.Fixed(name, self.value)

    def to_plain(self) -> Any:
        """As in a file."""
        return self.value


@dataclasses.dataclass(frozen=True)
class Choices:
    """One of several values."""

    values: tuple[Any, ...]

    def declare(self, hp: Any, name: str, default: Any) -> Any:
        """The value of this trial."""
        return hp.Choice(name, list(self.values), default=default if default in self.values else self.values[0])

    def to_plain(self) -> Any:
        """As in a file."""
        return list(self.values)


@dataclasses.dataclass(frozen=True)
class Range:
    """Whole numbers or any numbers between two, both included."""

    low: int | float
    high: int | float
    step: int | float | None = None
    sampling: str = "linear"

    def declare(self, hp: Any, name: str, default: Any) -> Any:
        """The value of this trial."""
        kind = hp.Int if isinstance(self.low, int) else hp.Float
        if default is None or not self.low <= default <= self.high or self.step is not None:
            default = self.low if self.step is not None else self._middle()
        return kind(name, self.low, self.high, step=self.step, sampling=self.sampling, default=type(self.low)(default))

    def _middle(self) -> float:
        if self.sampling == "log":
            return round(math.sqrt(self.low * self.high), 6)
        return (self.low + self.high) / 2

    def to_plain(self) -> Any:
        """As in a file."""
        plain = {"min": self.low, "max": self.high, "step": self.step, "sampling": self.sampling}
        return {name: value for name, value in plain.items() if value is not None}


Dimension = Fixed | Choices | Range
