"""Preparation of tables that are larger than memory."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.columns import choose_columns
from hyperml_tf.data.encoding import say
from hyperml_tf.data.notes import notes_on
from hyperml_tf.data.origin import Origin, Span, span_of
from hyperml_tf.data.splits import TIME
from hyperml_tf.data.table_options import ColumnChoice, EventWeights, Repeats, TableOptions
from hyperml_tf.data.times import as_time
from hyperml_tf.files.scratch import scratch_directory
from hyperml_tf.files.whole import move_in_place_of, move_new
from hyperml_tf.preparation import coding, roles
from hyperml_tf.preparation.engine import bytes_of, engine
from hyperml_tf.preparation.manifest import is_prepared
from hyperml_tf.preparation.prepared_table import PreparedTable
from hyperml_tf.preparation.sharding import Sharding
from hyperml_tf.preparation.source import source_of

logger = logging.getLogger(__name__)

Progress = Callable[[str], Any]

# Rows per shard, about 200 MB while they are sorted.
_ROWS = 2_000_000


@names_arguments
def prepare(
    tables: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    user_column: str | None = None,
    item_column: str | None = None,
    order_column: ColumnChoice = None,
    separator: str | None = None,
    repeats: Repeats | None = None,
    event_column: ColumnChoice = None,
    event_weights: EventWeights = None,
    weight_column: ColumnChoice = None,
    rating_column: ColumnChoice = None,
    min_rating: float | None = None,
    columns: Sequence[str] | str | None = None,
    split: Literal["last", "none"] | str = "last",
    shards: int | None = None,
    memory: str | int = "4GiB",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PreparedTable:
    """Prepares a table of interactions for training, within a limit of memory, whatever its size.

    Users and items are numbered by first appearance, rows are sorted by user and by the order column, one row of each pair is
    kept, and rows are held out, exactly as by `Interactions.from_file` and `leave_one_out`. Instead of memory it takes disk:
    about as much as the table as Parquet, twice, beside `out` while it works, and 9 bytes per row in the end.

    Args:
        tables: Path of a file, a folder or a pattern, or a list of them: CSV, JSON Lines or Parquet. Text may be compressed, with
            `.gz` or `.zst` appended. Or an address that DuckDB opens, such as `s3://bucket/events/*.parquet`.
        out: Path of the directory to write. The directory above is on a disk with room for the temporary files.
        user_column: As in `Interactions.from_file`, like the following ones.
        item_column: Likewise.
        order_column: Likewise; numbers, dates, or text with numbers or with dates in ISO 8601.
        separator: Likewise; one character.
        repeats: Likewise.
        event_column: Likewise.
        event_weights: Likewise.
        weight_column: Likewise.
        rating_column: Likewise.
        min_rating: Likewise.
        columns: Likewise.
        split: String, which rows are held out, see `hyperml_tf.data.splits.split_table`: "last", the last two of each user with
            three or more; "time:2024-01-01", those from a time on, and the last one before it of each user; "none", no rows.
            Defaults to `"last"`.
        shards: Optional integer >= 1, number of files that the rows are written to, about as many rows in each. Defaults to
            `None`, one for each 2,000,000 rows.
        memory: String or integer, the memory that the process may take, such as "4GiB"; at least 1 GiB is advised. Defaults to
            `"4GiB"`.
        overwrite: Boolean, whether a prepared table in `out` is replaced. Defaults to `False`.
        progress: Optional function that is called with the name of each step when it ends. Defaults to `None`.

    Returns:
        A `PreparedTable`.

    Raises:
        ImportError: If DuckDB is not installed, which the extra `prepare` does.
        FileExistsError: If `out` exists, unless it is a prepared table and `overwrite` is given.
        FileNotFoundError: If there is no such table.
        ValueError: If the table or an option is not one that can be prepared.

    Example:

    >>> from pathlib import Path
    >>> _ = Path("ratings.csv").write_text("user,item,timestamp\\nann,7,20\\nbob,7,10\\nann,3,10\\nann,4,30\\nbob,9,20\\n")
    >>> table = prepare("ratings.csv", "prepared")
    >>> table.interactions().to_frame()["item"].tolist()
    [3, 7, 4, 7, 9]
    """
    options = TableOptions(
        user_column=user_column,
        item_column=item_column,
        order_column=order_column,
        repeats=repeats,
        event_column=event_column,
        event_weights=event_weights,
        weight_column=weight_column,
        rating_column=rating_column,
        min_rating=min_rating,
    )
    _check(split, shards)
    given = [tables] if isinstance(tables, (str, os.PathLike)) else list(tables)
    reading = _Reading(tuple(os.fspath(table) for table in given), separator, columns, options)
    job = _Job(reading, split, shards, bytes_of(memory, "memory"), _Steps(progress))
    target = Path(os.path.abspath(out))
    _check_free(target, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch_directory(target) as scratch:
        written = scratch / target.name
        written.mkdir()
        job.run(scratch, written)
        _check_free(target, overwrite)
        if target.exists() and overwrite:
            move_in_place_of(written, target, scratch)
        else:
            move_new(written, target)
    return PreparedTable.open(target)


def _check(split: str, shards: int | None) -> None:
    if split not in ("last", "none") and not split.startswith(TIME):
        raise ValueError(
            f'`split` must be "last", "none" or "time:..." for a table that is prepared. Received: split={split!r}'
        )
    if shards is not None and shards < 1:
        raise ValueError(f"`shards` must be at least 1. Received: shards={shards!r}")


def _check_free(target: Path, overwrite: bool) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if not is_prepared(target) and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(
            f"`out` must not exist, or be a prepared table. Received: {str(target)!r}, which is another's"
        )
    if is_prepared(target) and not overwrite:
        raise FileExistsError(
            f"`out` must not exist unless `overwrite` is given (`--overwrite`). Received: {str(target)!r}, a prepared table"
        )


class _Steps:
    """Says what has been done and how long it took."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._started = progress, time.perf_counter()

    def __call__(self, step: str) -> None:
        logger.info("%s (%.0f s).", step, time.perf_counter() - self._started)
        if self._progress is not None:
            self._progress(step)


@dataclasses.dataclass(frozen=True)
class _Reading:
    """How the files are read."""

    tables: tuple[str, ...]
    separator: str | None
    columns: Sequence[str] | str | None
    options: TableOptions

    def given(self) -> dict[str, Any]:
        """The options that were given, as settings of `TrainingConfig`."""
        columns = self.columns if self.columns is None or isinstance(self.columns, str) else ",".join(self.columns)
        weights = self.options.weights
        values = {field.name: getattr(self.options, field.name) for field in dataclasses.fields(TableOptions)}
        values |= {"separator": self.separator, "columns": columns}
        if weights is not None:
            values["event_weights"] = ",".join(f"{name}={weight:g}" for name, weight in weights.items())
        return {name: value for name, value in values.items() if value is not None and name != "partial"}


@dataclasses.dataclass(frozen=True)
class _Job:
    """The preparation of a table."""

    reading: _Reading
    split: str
    shards: int | None
    memory: int
    say: _Steps

    def run(self, scratch: Path, written: Path) -> None:
        """Writes a prepared table to `written`, an empty directory."""
        working = scratch / "working"
        working.mkdir()
        with engine(working, self.memory) as connection:
            origin, coded, split_from = self._code(connection, working, written)
        reading = self.reading
        origin = Sharding(
            working, written, origin, coded, self.split, split_from, reading.options, reading.given()
        ).write(self.say)
        shutil.rmtree(working)
        say(origin, coded.rows)

    def _code(self, connection: Any, working: Path, written: Path) -> tuple[Origin, coding.Coded, float | None]:
        options = self.reading.options
        source = source_of(connection, self.reading.tables, self.reading.separator, self.reading.columns)
        columns = choose_columns(list(source.names), options)
        timed = self.split.startswith(TIME)
        if timed and columns.order is None:
            raise ValueError(f"`split={self.split!r}` requires an order column. Received: a table without one")
        staged = roles.stage(connection, source, columns)
        rows = int(staged.one("count(*)")[0])
        self.say(f"Read {rows:,} rows of {len(source.paths)} files")
        kept, dropped, events = coding.kept_rows(staged, options)
        for why, number in dropped.items():
            logger.warning("Dropped %d of %d rows %s.", number, rows, why)
        span, notes = _span(staged) if columns.order is not None else (None, ())
        coded = coding.code(kept, working, written, self.shards, _ROWS, self.say)
        origin = Origin(
            ", ".join(self.reading.tables),
            {role: str(label) for role, label in columns.roles.items()},
            tuple(map(str, columns.others)),
            rows,
            dropped,
            0,
            options.kept_repeats,
            events,
            options.weights,
            span,
            (*notes_on(columns, options), *notes),
        )
        moment = as_time(self.split.removeprefix(TIME), np.array([kept.latest()])) if timed else None
        return origin, coded, moment


def _span(staged: roles.Staged) -> tuple[Span | None, tuple[str, ...]]:
    number = roles.order_number(staged)
    first, last, low, high = staged.one(
        f"arg_min(order_, {number}), arg_max(order_, {number}), min({number}), max({number})"
    )
    values = pd.Series([first, last], name=staged.label("order"))
    return span_of(values, pd.Series([low, high]).to_numpy())
