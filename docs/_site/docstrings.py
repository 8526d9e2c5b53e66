"""Docstrings of this project for mkdocstrings: examples, which are not indented under their heading, become blocks of code."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^( *)>>>.*(?:\n\1\S.*)*", re.MULTILINE)
_HEADING = re.compile(r"^( *)Examples?:$", re.MULTILINE)


class Examples(griffe.Extension):
    """Puts every doctest of a docstring into a fence."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring is not None and ">>>" in obj.docstring.value:
            fenced = _EXAMPLE.sub(lambda match: f"{match[1]}```pycon\n{match[0]}\n{match[1]}```", obj.docstring.value)
            obj.docstring.value = _HEADING.sub(r"\1**Example**", fenced)
