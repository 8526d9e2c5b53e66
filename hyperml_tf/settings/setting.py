"""The declaration of a setting: its type, default, range, help and search space."""

from __future__ import annotations

import dataclasses
import math
import numbers
import operator
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hyperml_tf._argument_types import names_arguments

_KEY = "setting"
_declared: dict[Any, Mapping[str, Setting]] = {}
NO_COLUMN = "none"
"""On the command line, the value of a setting that may be `False`."""

_KINDS = {int: "an integer", float: "a finite number", str: "a string", bool: "true or false"}


@dataclasses.dataclass(frozen=True)
class Setting:
    """The declaration of a setting, made by `setting`.

    Args:
        name: String, its name.
        kind: Type of the values: `int`, `float`, `str` or `bool`.
        optional: Boolean, whether `None` is allowed.
        default: The default value.
        help: String, a description in one line.
        auto: Optional string, the meaning of `None` if that depends on other settings or on the table. Defaults to `None`.
        at_least: Optional float, the smallest number allowed. Defaults to `None`.
        at_most: Optional float, the largest number allowed. Defaults to `None`.
        above: Optional float, an exclusive lower bound. Defaults to `None`.
        below: Optional float, an exclusive upper bound. Defaults to `None`.
        infinite: Boolean, whether infinity is allowed, which files write as "inf". Defaults to `False`.
        choices: Tuple of the strings allowed. Defaults to `()`, any string.
        prefix: String; beside the choices, longer strings that begin so are allowed, too. Defaults to `""`, none.
        also: Tuple of other values that are allowed. Defaults to `()`.
        search: Default search space: a list of values, or a mapping with `min`, `max` and `sampling`. Defaults to `None`, not
            searched.
        group: String, "table", "model" or "training". Defaults to `"model"`.

    Example:

    >>> Setting("gears", int, False, 7, "Number of gears.", at_least=1).expected
    'an integer >= 1'
    """

    name: str
    kind: type
    optional: bool
    default: Any
    help: str
    auto: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    infinite: bool = False
    choices: tuple[str, ...] = ()
    prefix: str = ""
    also: tuple[Any, ...] = ()
    search: Sequence[Any] | Mapping[str, Any] | None = None
    group: str = "model"

    def checked(self, value: Any) -> Any:
        """Validates a value and returns it as a plain Python object; NumPy scalars become `int` and `float`.

        Raises:
            ValueError: If it is of another type or out of its range.
        """
        if (value is None and self.optional) or any(value is other for other in self.also):
            return value
        if isinstance(value, str) and value == NO_COLUMN and False in self.also:
            return False
        plain = self._plain(value)
        if plain is None or not self._allows(plain):
            raise ValueError(f"`{self.name}` must be {self.expected}. Received: {self.name}={value!r}")
        return plain

    @property
    def option(self) -> str:
        """The command-line option, such as `--batch-size`."""
        return "--" + self.name.replace("_", "-")

    @property
    def limits(self) -> str:
        """The range, such as ">= 1"; empty if there is none."""
        if self.choices:
            words = [*self.choices, *([f"{self.prefix}..."] if self.prefix else [])]
            return " or ".join(filter(None, [", ".join(map(quoted, words[:-1])), quoted(words[-1])]))
        bounds = {">=": self.at_least, ">": self.above, "<=": self.at_most, "<": self.below}
        numbers = " and ".join(f"{sign} {bound}" for sign, bound in bounds.items() if bound is not None)
        return f'{numbers} or "inf"' if self.infinite else numbers

    @property
    def expected(self) -> str:
        """The type and range, for error messages."""
        if self.choices:
            longer = f", or begin with {quoted(self.prefix)}" if self.prefix else ""
            return f"one of {self.choices}{longer}"
        what = "a number" if self.infinite else _KINDS[self.kind]
        return " ".join(filter(None, [what, self.limits]))

    def _plain(self, value: Any) -> Any:
        """The value as the type of the setting; None if it is of another type."""
        if self.kind in (str, bool):
            return self.kind(value) if isinstance(value, self.kind) else None
        if self.infinite and isinstance(value, str) and value == "inf":
            return math.inf
        # NumPy registers its scalars with these base classes.
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return None
        if self.kind is int and isinstance(value, numbers.Integral):
            return operator.index(value)
        number = float(value)
        return number if self.kind is float else int(number) if number.is_integer() else None

    def _allows(self, value: Any) -> bool:
        if self.kind is bool:
            return True
        if self.kind is str:
            is_longer = bool(self.prefix) and value.startswith(self.prefix) and len(value) > len(self.prefix)
            return not self.choices or value in self.choices or is_longer
        return (
            not math.isnan(value)
            and (self.infinite or math.isfinite(value))
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def setting(default: Any, help: str, **declared: Any) -> Any:
    """Declares a field of a `Settings` class, whose type and choices are those of its annotation.

    Args:
        default: The default value.
        help: String, a description in one line.
        **declared: Further arguments of `Setting`, such as `at_least`, `auto` or `search`.

    Returns:
        A dataclass field.

    Example:

    >>> @dataclasses.dataclass(frozen=True)
    ... class Bicycle:
    ...     gears: int = setting(7, "Number of gears.", at_least=1)
    >>> settings_of(Bicycle)["gears"].expected
    'an integer >= 1'
    """
    return dataclasses.field(default=default, metadata={_KEY: {"help": help, **declared}})


@names_arguments
def settings_of(cls: type) -> Mapping[str, Setting]:
    """Returns the declarations of a `Settings` class by name.

    Args:
        cls: A dataclass whose fields are made by `setting`.

    Example:

    >>> from hyperml_tf.settings import TrainingConfig
    >>> settings_of(TrainingConfig)["batch_size"].option
    '--batch-size'
    """
    if cls not in _declared:
        hints = typing.get_type_hints(cls)
        fields = [field for field in dataclasses.fields(cls) if _KEY in field.metadata]
        _declared[cls] = {field.name: _declaration(field, hints[field.name]) for field in fields}
    return _declared[cls]


def _declaration(field: dataclasses.Field[Any], hint: Any) -> Setting:
    """The declaration of a field, from its annotation and its metadata."""
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    literals = [typing.get_args(member) for member in members if typing.get_origin(member) is Literal]
    choices = tuple(word for words in literals for word in words if isinstance(word, str))
    kind = str if choices else next(member for member in members if member in _KINDS)
    return Setting(field.name, kind, type(None) in members, field.default, choices=choices, **field.metadata[_KEY])


def quoted(value: Any) -> str:
    """Returns a value as in JSON, with double quotes around strings."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def log_range(low: float, high: float) -> dict[str, Any]:
    """Returns a search space that is sampled on a log scale, for `Setting.search`."""
    return {"min": low, "max": high, "sampling": "log"}
