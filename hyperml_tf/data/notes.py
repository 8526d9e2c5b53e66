"""Columns of a table that are not used, but look as if they were meant to be."""

from __future__ import annotations

import re
from collections.abc import Hashable

from hyperml_tf.data.columns import USUAL_NAMES, Columns, normalised
from hyperml_tf.data.table_options import TableOptions

_TIMES = {"time", "timestamp", "date", "datetime", "ts", "unixtime", "epoch", "at"}
# Words that end like times, but are none.
_NOT_TIMES = {"update", "candidate", "lifetime", "runtime", "playtime", "overtime", "mandate", "downtime", "uptime"}


def notes_on(columns: Columns, options: TableOptions) -> tuple[str, ...]:
    """Says for each role without a column which column looks like it, and which option takes it.

    Args:
        columns: the columns that are used, and the others.
        options: how the table is read. A role whose column is False has no note.
    """
    notes = []
    if columns.order is None and options.order_column is None:
        alike = [str(label) for label in columns.others if looks_like_time(label)]
        if alike:
            notes.append(
                f"{_named(alike)} like a time, but no column orders the rows: they count in the order of the table. Pass "
                f"`order_column={alike[0]!r}` (`--order-column {alike[0]}`), or `order_column=False` (`--order-column none`) "
                "if that is meant."
            )
    for role, (meanwhile, option, flag) in _STRENGTHS.items():
        if getattr(columns, role) is None and getattr(options, f"{role}_column") is None:
            alike = [str(label) for label in columns.others if normalised(label) in USUAL_NAMES[role]]
            if alike:
                notes.append(
                    f"{_named(alike)} like {role}s, but {meanwhile} Pass {option.format(alike[0])} ({flag.format(alike[0])}), or "
                    f"`{role}_column=False` (`--{role}-column none`) if that is meant."
                )
    return tuple(notes)


_STRENGTHS = {
    "event": (
        "all of its kinds count alike.",
        "`event_weights`, a weight for each kind",
        "`--event-weights view=1,purchase=4`",
    ),
    "weight": (
        "all rows weigh the same.",
        "`weight_column={0!r}`",
        "`--weight-column {0}`",
    ),
    "rating": (
        "rows with low ratings count as positives, too.",
        "`min_rating=`, to drop the rows below it",
        "`--min-rating 4`",
    ),
}


def looks_like_time(column: Hashable) -> bool:
    """Whether the name of a column has a word for a time.

    Example:

    >>> [looks_like_time(name) for name in ("event_timestamp", "createdAt", "orderdate", "candidate", "rating")]
    [True, True, True, False, False]
    """
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", str(column).split(":")[0])
    words = re.findall(r"[a-z]+", name.lower())
    return any(
        word in _TIMES or (word.endswith(("timestamp", "time", "date")) and word not in _NOT_TIMES) for word in words
    ) and words != ["at"]


def _named(columns: list[str]) -> str:
    names = ", ".join(map(repr, columns))
    return f"The column {names} looks" if len(columns) == 1 else f"The columns {names} look"
