"""Immutable settings whose values are checked as they are declared."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from hyperml_tf.settings.setting import settings_of

_Settings = TypeVar("_Settings", bound="Settings")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base class: a frozen dataclass whose fields are made by `setting`.

    Values are checked against their declarations and become plain Python objects, so that they can be written as JSON.

    Raises:
        ValueError: if a value is of another type or out of range. The message names the setting, what it takes and what was
            received.

    Example:

    >>> from hyperml_tf.settings import setting
    >>> @dataclasses.dataclass(frozen=True)
    ... class Bicycle(Settings):
    ...     gears: int = setting(7, "Number of gears.", at_least=1)
    >>> Bicycle(gears=3).to_dict()
    {'gears': 3}
    """

    def __post_init__(self) -> None:
        for name, declared in settings_of(type(self)).items():
            object.__setattr__(self, name, declared.checked(getattr(self, name)))

    def to_dict(self) -> dict[str, Any]:
        """The settings by name, as JSON can hold them: infinity is "inf"."""
        return {name: "inf" if value == math.inf else value for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls: type[_Settings], values: Mapping[str, Any]) -> _Settings:
        """Settings from a dictionary, such as `to_dict` returns.

        Raises:
            ValueError: if a name is unknown or a value out of its range.
        """
        if unknown := sorted(str(name) for name in values if name not in settings_of(cls)):
            raise ValueError(f"Unknown settings {unknown}. Known: {sorted(settings_of(cls))}")
        return cls(**values)
