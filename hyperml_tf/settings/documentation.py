"""Settings in prose, from their declarations: the arguments of a docstring, and the table in the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TypeVar

from hyperml_tf.settings.setting import Setting, quoted, settings_of

_PLACE = "Args: the fields below."
_WIDTH = 120
_TYPES = {int: "integer", float: "float", str: "string"}

_T = TypeVar("_T")


def documented(cls: type[_T]) -> type[_T]:
    """Class decorator: puts the declared settings into the docstring, where it says "Args: the fields below."."""
    entries = [_argument(declared) for declared in settings_of(cls).values()]
    cls.__doc__ = (cls.__doc__ or "").replace(_PLACE, "\n".join(["Args:", *entries]))
    return cls


def _argument(declared: Setting) -> str:
    text = f"{declared.name}: {type_text(declared)}. {declared.help} {default_text(declared)}"
    return textwrap.fill(text, _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)


def type_text(declared: Setting) -> str:
    """The type and the range of a setting, as the description of an argument begins.

    Example:

    >>> from hyperml_tf.settings.model_settings import ModelSettings
    >>> type_text(settings_of(ModelSettings)["margin"])
    'Optional float > 0'
    """
    if declared.choices:
        return declared.limits
    words = ["Optional" if declared.optional else "", _TYPES[declared.kind], declared.limits]
    text = " ".join(filter(None, words))
    return text[0].upper() + text[1:]


def default_text(declared: Setting) -> str:
    """The default of a setting, as the description of an argument ends.

    Example:

    >>> from hyperml_tf.settings.model_settings import ModelSettings
    >>> default_text(settings_of(ModelSettings)["dim"])
    'Defaults to `64`.'
    """
    return f"Defaults to {_default(declared)}."


def _default(declared: Setting) -> str:
    return f"`{quoted(declared.default)}`" if declared.auto is None else declared.auto


def settings_table(settings: Iterable[Setting]) -> str:
    """A Markdown table of settings."""
    rows = ["| setting | default | range | searched | what it is |", "|---|---|---|---|---|"]
    return "\n".join(rows + [f"| {' | '.join(_cells(declared))} |" for declared in settings])


def _cells(declared: Setting) -> list[str]:
    return [f"`{declared.name}`", _default(declared), declared.limits, search_text(declared), declared.help]


def search_text(declared: Setting) -> str:
    """What a search tries, in words; empty if nothing."""
    if declared.search is None:
        return ""
    if isinstance(declared.search, Mapping):
        return f"{declared.search['min']:g} to {declared.search['max']:g}, log scale"
    return ", ".join(str(value) for value in declared.search)
