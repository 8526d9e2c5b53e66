"""Documentation from the declarations of settings: arguments in docstrings, and Markdown tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TypeVar

from hyperml_tf.settings.setting import Setting, quoted, settings_of

_PLACE = "Args: the fields below."
_WIDTH = 120
_TYPES = {int: "integer", float: "float", str: "string", bool: "boolean"}

_T = TypeVar("_T")


def documented(cls: type[_T]) -> type[_T]:
    """Class decorator that replaces the line "Args: the fields below." of a docstring by the declared settings."""
    entries = [_argument(declared) for declared in settings_of(cls).values()]
    cls.__doc__ = (cls.__doc__ or "").replace(_PLACE, "\n".join(["Args:", *entries]))
    return cls


def _argument(declared: Setting) -> str:
    text = f"{declared.name}: {type_text(declared)}. {declared.help} {default_text(declared)}"
    return textwrap.fill(text, _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)


def type_text(declared: Setting) -> str:
    """Returns the type and the range of a setting, the beginning of an argument's description.

    Example:

    >>> from hyperml_tf.settings.model_settings import ModelSettings
    >>> type_text(settings_of(ModelSettings)["margin"])
    'Optional float > 0'
    """
    if declared.choices:
        return f"Optional string, {declared.limits}" if declared.optional else f"String, {declared.limits}"
    words = ["Optional" if declared.optional else "", _TYPES[declared.kind], declared.limits]
    text = " ".join(filter(None, words))
    return text[0].upper() + text[1:]


def default_text(declared: Setting) -> str:
    """Returns the default of a setting, the end of an argument's description.

    Example:

    >>> from hyperml_tf.settings.model_settings import ModelSettings
    >>> default_text(settings_of(ModelSettings)["dim"])
    'Defaults to `64`.'
    """
    return f"Defaults to {_default(declared)}."


def _default(declared: Setting) -> str:
    return f"`{quoted(declared.default)}`" if declared.auto is None else declared.auto


def settings_table(settings: Iterable[Setting]) -> str:
    """Returns a Markdown table of settings."""
    rows = ["| setting | default | range | search space | description |", "|---|---|---|---|---|"]
    return "\n".join(rows + [f"| {' | '.join(_cells(declared))} |" for declared in settings])


def _cells(declared: Setting) -> list[str]:
    return [f"`{declared.name}`", _default(declared), declared.limits, search_text(declared), declared.help]


def search_text(declared: Setting) -> str:
    """Returns the default search space of a setting in words; empty if it is not searched."""
    if declared.search is None:
        return ""
    if isinstance(declared.search, Mapping):
        return f"{declared.search['min']:g} to {declared.search['max']:g}, log scale"
    return ", ".join(str(value) for value in declared.search)
