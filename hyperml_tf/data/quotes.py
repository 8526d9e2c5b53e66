"""Detection of unclosed quotes in CSV files, which make a parser read the following lines as part of a field."""

from __future__ import annotations

import re
from typing import Any

_BLOCK = 1 << 20
# A field of more bytes counts as unclosed.
_LONGEST = 1 << 26


def unclosed_quote(stream: Any, separator: str) -> tuple[int, str] | None:
    """Finds the first quoted field that spans several lines and is not properly closed.

    A field is quoted if it starts with a quote. It is closed by the next quote that is not doubled, and properly so if a
    separator, a line break or the end of the file follows. Errors within one line lose no rows, and are left to the parser.

    Args:
        stream: a binary stream of the file.
        separator: the character between fields.

    Returns:
        The number of the line where the field starts, from 1, and the first 80 characters of the field; None if every field
        is closed.
    """
    ends = separator.encode() + b"\r\n"
    quoted = re.compile(rb'"(?<=[%b]")[^"]*(?:""[^"]*)*("?)' % re.escape(ends))
    # The extra line break makes the start of the file the start of a field.
    line, text, finished, byte_order_mark = 0, b"\n", False, b"\xef\xbb\xbf"
    while not finished:
        block = bytes(stream.read(_BLOCK)).removeprefix(byte_order_mark)
        finished, byte_order_mark = not block, b""
        text += block
        kept = len(text) - 1
        for field in quoted.finditer(text):
            end = field.end()
            if end < len(text):
                if field[1] and text[end] in ends:
                    continue
            elif not finished and len(field[0]) < _LONGEST:
                # The field, or a doubled quote at its end, may continue in the next block.
                kept = field.start() - 1
                break
            elif field[1]:
                continue
            if b"\n" in field[0] or b"\r" in field[0]:
                return line + text.count(b"\n", 0, field.start()), field[0][:80].decode(errors="replace")
        line += text.count(b"\n", 0, kept)
        text = text[kept:]
    return None
