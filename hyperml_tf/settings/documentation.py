"""Settings in prose, from their declarations: the arguments of a docstring, and the table in the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TypeVar

from hyperml_tf.settings.setting import Setting, quoted, settings_of

_PLACE = "Args: the fields below."
_WIDTH = 120

_T = TypeVar("_T")


def documented(cls: type[_T]) -> type[_T]:
    """Class decorator: puts the declared settings into the docstring, where it says "Args: the fields below."."""
    entries = [_argument(declared) for declared in settings_of(cls).values()]
    cls.__doc__ = (cls.__doc__ or "").replace(_PLACE, "\n".join(["Args:", *entries]))
    return cls


def _argument(declared: Setting) -> str:
    text = f"{declared.name}: {declared.help} {range_and_default(declared)}"
    return textwrap.fill(text, _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)


def range_and_default(declared: Setting) -> str:
    """The end of the description of an argument.

    Example:

    >>> from hyperml_tf.settings.model_settings import ModelSettings
    >>> range_and_default(settings_of(ModelSettings)["dim"])
    'Must be >= 1. Defaults to `64`.'
    """
    limits = f"Must be {declared.limits}. " if declared.limits else ""
    default = f"`{quoted(declared.default)}`" if declared.auto is None else f"None: {declared.auto}"
    return f"{limits}Defaults to {default}."


def settings_table(settings: Iterable[Setting]) -> str:
    """A Markdown table of settings."""
    rows = ["| setting | default | range | searched | what it is |", "|---|---|---|---|---|"]
    return "\n".join(rows + [f"| {' | '.join(_cells(declared))} |" for declared in settings])


def _cells(declared: Setting) -> list[str]:
    default = f"`{quoted(declared.default)}`" if declared.auto is None else declared.auto
    return [f"`{declared.name}`", default, declared.limits, search_text(declared), declared.help]


def search_text(declared: Setting) -> str:
    """What a search tries, in words; empty if nothing."""
    if declared.search is None:
        return ""
    if isinstance(declared.search, Mapping):
        return f"{declared.search['min']:g} to {declared.search['max']:g}, log scale"
    return ", ".join(str(value) for value in declared.search)
