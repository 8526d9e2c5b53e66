"""The base class of settings: immutable, with validated values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from hyperml_tf.settings.setting import settings_of

_Settings = TypeVar("_Settings", bound="Settings")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base class of settings. Subclasses must be frozen dataclasses whose fields are made by `setting`.

    Values are validated against their declarations and converted to plain Python objects, so that they can be written as JSON.

    Raises:
        ValueError: If a value is of another type or out of its range.

    Example:

    >>> from hyperml_tf.settings import setting
    >>> @dataclasses.dataclass(frozen=True)
    ... class Bicycle(Settings):
    ...     gears: int = setting(7, "Number of gears.", at_least=1)
    >>> Bicycle(gears=21).to_dict()
    {'gears': 21}
    """

    def __post_init__(self) -> None:
        for name, declared in settings_of(type(self)).items():
            object.__setattr__(self, name, declared.checked(getattr(self, name)))

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings by name, ready for JSON: infinity becomes "inf"."""
        return {name: "inf" if value == math.inf else value for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def of_argument(cls: type[_Settings], name: str, values: Mapping[str, Any]) -> _Settings:
        """Creates settings from the dictionary that an argument, or a file, holds.

        Args:
            name: String, the name of the argument, or the path of the file, in error messages.
            values: A mapping from names to values. Missing settings have their defaults.

        Raises:
            ValueError: If a name is unknown, or if a value is out of its range.
        """
        try:
            return cls.from_dict(values)
        except ValueError as error:
            raise ValueError(f"`{name}`: {error}") from error

    @classmethod
    def from_dict(cls: type[_Settings], values: Mapping[str, Any]) -> _Settings:
        """Creates settings from a dictionary, such as `to_dict` returns.

        Args:
            values: A mapping from names to values. Missing settings have their defaults.

        Raises:
            ValueError: If a name is unknown, or if a value is out of its range.
        """
        if unknown := sorted(str(name) for name in values if name not in settings_of(cls)):
            raise ValueError(f"Unknown settings {unknown}. Known: {sorted(settings_of(cls))}")
        return cls(**values)
