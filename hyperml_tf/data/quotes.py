"""Quoted fields of a CSV file that are not closed, and so swallow the lines after them."""

from __future__ import annotations

import re
from typing import Any

_BLOCK = 1 << 20
# A field of more lines than fit here is not closed, whatever comes.
_LONGEST = 1 << 26


def unclosed_quote(stream: Any, separator: str) -> tuple[int, str] | None:
    """Finds a quoted field that runs over the end of its line and is not properly closed.

    A field is quoted if it begins with a quote. It is properly closed by a quote with a separator, the end of the line or the
    end of the file behind it; two quotes inside of it stand for one. What is wrong within one line loses no rows, and is left
    to the reader.

    Args:
        stream: the bytes of the file.
        separator: what separates fields.

    Returns:
        The number of the line where the field begins, from 1, and the first 80 characters of the field; None if there is none.
    """
    ends = separator.encode() + b"\r\n"
    quoted = re.compile(rb'"(?<=[%b]")[^"]*(?:""[^"]*)*("?)' % re.escape(ends))
    # The line break in front makes the start of the file the start of a field.
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
                # The field, or the pair of quotes at its end, may go on in the next block.
                kept = field.start() - 1
                break
            elif field[1]:
                continue
            if b"\n" in field[0] or b"\r" in field[0]:
                return line + text.count(b"\n", 0, field.start()), field[0][:80].decode(errors="replace")
        line += text.count(b"\n", 0, kept)
        text = text[kept:]
    return None
