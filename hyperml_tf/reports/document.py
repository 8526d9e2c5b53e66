"""The parts of a document, for whatever renders it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Heading:
    """A heading.

    Args:
        text: String.
        level: Integer, 1 for the title. Defaults to `2`.
    """

    text: str
    level: int = 2


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text.

    Args:
        text: String.
        strong: Boolean, whether it is what readers should see first. Defaults to `False`.
    """

    text: str
    strong: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, whose columns from the second on hold numbers.

    Args:
        head: Titles of the columns.
        rows: Texts of the cells.
        texts: Integer, the number of columns at the left that hold text. Defaults to `1`.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1


@dataclasses.dataclass(frozen=True)
class Bullets:
    """A list.

    Args:
        items: Texts.
    """

    items: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture.

    Args:
        name: String, the name of its file without the suffix.
        caption: String, what it shows.
    """

    name: str
    caption: str


Block = Heading | Paragraph | Table | Bullets | Picture
