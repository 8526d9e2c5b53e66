"""Tables as people and programs write them, and broken ones: each is read as it was meant, or refused with a message."""

from __future__ import annotations

import csv
import gzip
import io
import random
import tempfile
from pathlib import Path

from counts import BAD, Counts, expected

from hyperml_tf import Interactions, inspect_table

SEPARATORS = (",", ";", "\t", "|")
IDS = ("{}", "user {}", "ü{}", "0{}", "{}-x", '"{}"', "a,{}", "line\n{}", "日本{}")
PIECES = (
    b'"',
    b"\r",
    b"\n",
    b"\0",
    b",",
    b";",
    b"\t",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"nan",
    b"1e400",
    b"''",
    b"\xed\xa0\x80",
    b"\\",
)


def fuzz(cases: int, seed: int = 0) -> Counts:
    """Reads tables. Every other one is whole, in some dialect; the others have been cut, or something was put into them."""
    counts = Counts("Tables")
    with tempfile.TemporaryDirectory() as folder:
        for case in range(cases):
            draw = random.Random(f"{seed}/{case}")
            rows, content = _table(draw)
            broken = case % 2 == 1
            if broken:
                content = _break(draw, content)
            path = Path(folder) / ("table.csv.gz" if draw.random() < 0.1 else "table.csv")
            path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
            counts.add(*_read(path, None if broken else rows, f"seed {seed}, case {case}: {content[:80]!r}"))
    return counts


def _read(path: Path, rows: set[tuple[str, str]] | None, example: str) -> tuple[str, str]:
    try:
        table = Interactions.from_file(path)
    except Exception as error:
        if expected(error):
            return ("broken, refused" if rows is None else "whole, refused", example)
        return f"{BAD}an unexpected error", f"{type(error).__name__}: {error}; {example}"
    try:
        if len(inspect_table(path).table) != len(table) or not str(inspect_table(table)):
            return f"{BAD}inspected as another table", example
    except Exception as error:
        if not expected(error):
            return f"{BAD}an unexpected error when it is inspected", f"{type(error).__name__}: {error}; {example}"
    if rows is None:
        return "broken, read", example
    frame = table.to_frame().astype(str)
    found = set(zip(frame["user"], frame["item"], strict=True))
    return ("whole, read", example) if found == rows else (f"{BAD}other rows than were written", example)


def _table(draw: random.Random) -> tuple[set[tuple[str, str]], bytes]:
    user, item = draw.choice(IDS), draw.choice(IDS)
    n = draw.randint(2, 40)
    rows = [(user.format(draw.randint(1, 9)), item.format(draw.randint(1, 30)), place) for place in range(n)]
    text = io.StringIO()
    ends = draw.choice(("\n", "\r\n"))
    quoting = draw.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    writer = csv.writer(text, delimiter=draw.choice(SEPARATORS), lineterminator=ends, quoting=quoting)
    writer.writerow(draw.choice((("user", "item", "time"), ("user_id", "item_id", "timestamp"))))
    writer.writerows(rows)
    whole = text.getvalue()
    content = whole.removesuffix(ends) if draw.random() < 0.2 else whole
    return {(a, b) for a, b, _ in rows}, content.encode("utf-8-sig" if draw.random() < 0.2 else "utf-8")


def _break(draw: random.Random, content: bytes) -> bytes:
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(content) + 1)
        kind = draw.random()
        if kind < 0.2:
            content = content[:place]
        elif kind < 0.7:
            content = content[:place] + draw.choice(PIECES) + content[place:]
        elif kind < 0.85:
            content = content[:place] + bytes([draw.randrange(256)]) + content[place + 1 :]
        else:
            content = content[:place] + content[place + draw.randint(1, 20) :]
    return content
