"""Identifiers to codes, and rows to the shards of their users, by the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hyperml_tf.data.table_options import TableOptions
from hyperml_tf.preparation import roles
from hyperml_tf.preparation.engine import quoted
from hyperml_tf.preparation.manifest import ITEMS, USERS

_MOST = 2**31 - 1
# Rows that a thread holds of each shard before it writes them: of a hundred shards, some hundred megabytes.
_FLUSHED = 65_536
# Vectors of 2,048 numbers that are read at once.
_VECTORS = 500


@dataclasses.dataclass(frozen=True)
class Kept:
    """The rows that count, as a view of the engine with the columns `u`, `i`, `t`, `w` and `row`."""

    connection: Any
    ordered: bool
    weighted: bool

    def latest(self) -> float:
        """Returns the largest value of the order."""
        return self.connection.execute("SELECT max(t) FROM kept").fetchone()[0]


@dataclasses.dataclass(frozen=True)
class Coded:
    """What `code` wrote.

    Args:
        rows: the number of rows that count, before one of each pair is kept.
        n_users: the number of users.
        n_items: the number of items.
        bounds: the code of the first user of each shard, and the number of users.
        ordered: whether the rows have a column `t`.
        weighted: whether they have a column `w`.
    """

    rows: int
    n_users: int
    n_items: int
    bounds: tuple[int, ...]
    ordered: bool
    weighted: bool

    def folder(self, working: Path, shard: int) -> Path:
        """Returns the folder of the rows of a shard."""
        return working / "rows" / f"shard={shard}"


def kept_rows(staged: roles.Staged, options: TableOptions) -> tuple[Kept, dict[str, int], dict[str, int]]:
    """Makes the view of the rows that count.

    Returns:
        The view, the number of dropped rows by the reason, and the number of rows of each kind of event.

    Raises:
        ValueError: as `Interactions.from_frame`.
    """
    user, _ = roles.identifier(staged, "user")
    item, _ = roles.identifier(staged, "item")
    ordered = staged.columns.order is not None
    when = roles.order_number(staged) if ordered else "CAST(0 AS BIGINT)"
    reasons, weight, events = roles.strength(staged, options)
    reasons = [*reasons, ("without a user or an item", f"({user}) IS NULL OR ({item}) IS NULL")]
    cases = " ".join(f"WHEN {condition} THEN {place}" for place, (_, condition) in enumerate(reasons))
    reason = f"CASE {cases} ELSE -1 END"
    counted = dict(staged.connection.execute(f"SELECT {reason}, count(*) FROM {staged.table} GROUP BY ALL").fetchall())
    dropped = {why: int(counted[place]) for place, (why, _) in enumerate(reasons) if counted.get(place)}
    where = f"{reason} = -1" if dropped else "true"
    staged.connection.execute(
        f"CREATE VIEW kept AS SELECT {user} AS u, {item} AS i, {when} AS t, {weight or '1.0'} AS w, rowid AS row "
        f"FROM {staged.table} WHERE {where}"
    )
    return Kept(staged.connection, ordered, weight is not None), dropped, events


def code(
    kept: Kept, working: Path, written: Path, shards: int | None, rows_per_shard: int, say: Callable[[str], Any]
) -> Coded:
    """Numbers users and items by first appearance, and writes the vocabularies, and the codes of each shard to a folder.

    Args:
        kept: the rows.
        working: the folder of the temporary files.
        written: the directory of the prepared table.
        shards: the number of shards; None for as many as have `rows_per_shard` rows.
        rows_per_shard: see `shards`.
        say: called with the name of each step when it ends.

    Raises:
        ValueError: if there are fewer than two users or two items, or more than 2^31 - 1.
    """
    run = kept.connection.execute
    n_users, n_items = (_vocabulary(kept, letter, working) for letter in "ui")
    rows = int(run("SELECT coalesce(sum(n), 0) FROM ids_u").fetchone()[0])
    if n_users < 2 or n_items < 2:
        raise ValueError(
            "`tables` must hold interactions of at least two users and two items. "
            f"Received: {rows} rows, {n_users} users, {n_items} items"
        )
    if max(n_users, n_items) > _MOST:
        raise ValueError(f"Users and items must be at most {_MOST:,} each. Received: {n_users:,} and {n_items:,}")
    say(f"Numbered {n_users:,} users and {n_items:,} items")
    for letter, name in (("u", USERS), ("i", ITEMS)):
        run(f"COPY (SELECT id FROM ids_{letter}) TO {quoted(str(written / name))} (FORMAT parquet)")
    bounds = _bounds(kept, rows, shards or -(-rows // rows_per_shard))
    columns = ["ids_u.rowid AS u", "ids_i.rowid AS i", "row"]
    columns += [name for name, wanted in (("t", kept.ordered), ("w", kept.weighted)) if wanted]
    # Written by several threads, in any order: `row` has the order of the files.
    run("SET preserve_insertion_order = false")
    run(f"SET partitioned_write_flush_threshold = {_FLUSHED}")
    run(
        f"COPY (SELECT {', '.join(columns)}, {_shard_of('ids_u.rowid', bounds)} AS shard FROM kept "
        f"JOIN ids_u ON kept.u = ids_u.id JOIN ids_i ON kept.i = ids_i.id) "
        f"TO {quoted(str(working / 'rows'))} (FORMAT parquet, PARTITION_BY (shard))"
    )
    say(f"Wrote the codes of {rows:,} rows to {len(bounds) - 1} shards")
    return Coded(rows, n_users, n_items, tuple(bounds), kept.ordered, kept.weighted)


def _vocabulary(kept: Kept, letter: str, working: Path) -> int:
    """Makes the table of distinct identifiers by first appearance, whose `rowid` is the code, and returns their number."""
    kept.connection.execute(
        f"CREATE TABLE ids_{letter} AS SELECT id, n FROM (SELECT {letter} AS id, count(*) AS n, min(row) AS first FROM kept "
        "GROUP BY ALL) ORDER BY first"
    )
    return int(kept.connection.execute(f"SELECT count(*) FROM ids_{letter}").fetchone()[0])


def _bounds(kept: Kept, rows: int, shards: int) -> list[int]:
    """The codes at which shards of about as many rows begin, and the number of users."""
    bounds, before, users = [0], 0, 0
    found = kept.connection.execute("SELECT CAST(n AS BIGINT) AS n FROM ids_u ORDER BY rowid")
    while len(counts := found.fetch_df_chunk(_VECTORS)["n"].to_numpy()):
        ends = before + np.cumsum(counts)
        while len(bounds) < shards:
            wanted = rows * len(bounds) / shards
            place = int(np.searchsorted(ends, wanted))
            if place >= len(ends):
                break
            bounds.append(max(users + place + 1, bounds[-1]))
        before, users = int(ends[-1]), users + len(counts)
    # A user with many rows may be a shard of their own.
    return [*dict.fromkeys(bound for bound in bounds if bound < users), users]


def _shard_of(code: str, bounds: Sequence[int]) -> str:
    """The number of the shard of a code as SQL, by bisection."""

    def between(low: int, high: int) -> str:
        if high - low == 1:
            return str(low)
        middle = (low + high) // 2
        return f"CASE WHEN {code} < {bounds[middle]} THEN {between(low, middle)} ELSE {between(middle, high)} END"

    return between(0, len(bounds) - 1)
