"""The columns of a table as SQL: identifiers, order, and what rows count for, checked as `Interactions.from_frame` does."""

from __future__ import annotations

import dataclasses
from typing import Any

from hyperml_tf.data.columns import Columns
from hyperml_tf.data.strength import check_events
from hyperml_tf.data.table_options import TableOptions
from hyperml_tf.preparation.engine import named, quoted
from hyperml_tf.preparation.source import Source

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_FLOATS = ("FLOAT", "DOUBLE")
_DATES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE")
_WHOLE = r"^\s*[+-]?\d+\s*$"
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?\s*(Z|UTC)?$"
_FEWEST, _MOST = -(2**63), 2**63 - 1
# Up to here, every integer has a float64 of its own.
_EXACT = 2**53


@dataclasses.dataclass(frozen=True)
class Staged:
    """A table of the engine with the columns that are used, in the order of the files: `rowid` is the number of a row.

    Args:
        connection: the engine.
        table: its name.
        columns: the labels of the columns in the files.
        from_text: whether the files are text, in which integers and text look alike.
    """

    connection: Any
    table: str
    columns: Columns
    from_text: bool

    def one(self, expression: str, where: str = "true") -> tuple[Any, ...]:
        """Returns the only row of a query."""
        return self.connection.execute(f"SELECT {expression} FROM {self.table} WHERE {where}").fetchone()

    def kind(self, role: str) -> str:
        """Returns the type of the column of a role, "JSON" and "VARCHAR" among them."""
        kind = str(self.one(f"any_value(typeof({role}_))")[0])
        return "VARCHAR" if kind.startswith("ENUM") else kind

    def first(self, where: str, role: str) -> tuple[Any, int] | None:
        """Returns the first value of a role that meets a condition, and its row."""
        found = self.connection.execute(
            f"SELECT {role}_, rowid FROM {self.table} WHERE {where} ORDER BY rowid LIMIT 1"
        ).fetchone()
        return None if found is None else (found[0], int(found[1]))

    def label(self, role: str) -> str:
        """Returns the name of the column of a role in the files."""
        return str(self.columns.roles[role])


def identifier(staged: Staged, role: str) -> tuple[str, str]:
    """Returns the identifiers of a role as SQL, NULL where they are missing, and their type, "int64" or "string".

    Raises:
        ValueError: if they are neither integers nor text.
    """
    kind, name = staged.kind(role), f"{role}_"
    if kind == "JSON":
        found = {
            one
            for [one] in staged.connection.execute(f"SELECT DISTINCT json_type({name}) FROM {staged.table}").fetchall()
        }
        found -= {None, "NULL"}
        if (
            found <= {"BIGINT", "UBIGINT"}
            and staged.one(f"count(*) FILTER (TRY_CAST({name} AS BIGINT) IS NULL AND json_type({name}) <> 'NULL')")[0]
            == 0
        ):
            return f"TRY_CAST({name} AS BIGINT)", "int64"
        if found <= {"VARCHAR"}:
            return f"NULLIF({name} ->> '$', '')", "string"
        raise _unusable(staged, role, " and ".join(sorted(found)))
    if kind in _INTEGERS:
        lowest, highest = staged.one(f"min({name}), max({name})")
        if lowest is None or _FEWEST <= lowest <= highest <= _MOST:
            return f"CAST({name} AS BIGINT)", "int64"
        return f"CAST({name} AS VARCHAR)", "string"
    if kind in _FLOATS:
        # As pandas makes of integers where some are missing.
        whole = staged.one(
            f"coalesce(bool_and({name} = floor({name}) AND abs({name}) <= {_EXACT}), true)", f"NOT isnan({name})"
        )[0]
        if whole:
            return f"CAST(CASE WHEN isnan({name}) THEN NULL ELSE {name} END AS BIGINT)", "int64"
    if kind != "VARCHAR":
        raise _unusable(staged, role, kind)
    text = f"NULLIF(CAST({name} AS VARCHAR), '')"
    if staged.from_text:
        # Integers only if that changes none of them, so that "007" stays text.
        same = f"CAST(TRY_CAST({text} AS BIGINT) AS VARCHAR) IS NOT DISTINCT FROM {text}"
        whole = staged.one(
            f"coalesce(bool_and(regexp_matches({text}, '^-?\\d+$') AND {same}), true)", f"{text} IS NOT NULL"
        )[0]
        if whole:
            return f"TRY_CAST({text} AS BIGINT)", "int64"
    return text, "string"


def order_number(staged: Staged) -> str:
    """Returns numbers that sort as the order column does, as SQL: BIGINT or DOUBLE.

    Raises:
        ValueError: if a value is missing, or is neither a number nor a date in ISO 8601.
    """
    kind, value = staged.kind("order"), "order_"
    if kind == "JSON":
        value = "(order_ ->> '$')"
    elif kind == "VARCHAR":
        value = "CAST(order_ AS VARCHAR)"
    missing = f"{value} IS NULL" + (f" OR {value} = ''" if kind in ("JSON", "VARCHAR") else "")
    missing += " OR isnan(order_)" if kind in _FLOATS else ""
    number, first = staged.one(f"count(*) FILTER ({missing}), min(rowid) FILTER ({missing})")
    if number:
        raise ValueError(
            f"The order column {staged.label('order')!r} must have a value in every row. Fill in the missing values, drop their "
            "rows, or prepare the table without an order column, which keeps the order of the rows. "
            f"Received: {number} missing, the first in row {first} (rows count from 0)"
        )
    if kind in _INTEGERS:
        lowest, highest = staged.one(f"min({value}), max({value})")
        if _FEWEST <= lowest <= highest <= _MOST:
            return f"CAST({value} AS BIGINT)"
        return f"CAST(CAST({value} AS HUGEINT) + {_FEWEST} AS BIGINT)"
    if kind == "BOOLEAN":
        return f"CAST({value} AS BIGINT)"
    if kind in _FLOATS:
        return f"CAST({value} AS DOUBLE)"
    if kind == "TIMESTAMP_NS":
        return f"epoch_ns({value})"
    if kind in _DATES:
        return f"epoch_us({value})"
    if kind in ("JSON", "VARCHAR"):
        return _order_of_text(staged, value)
    raise _no_order(staged, f"the type {kind}")


def _order_of_text(staged: Staged, value: str) -> str:
    whole = f"CASE WHEN regexp_matches({value}, '{_WHOLE}') THEN TRY_CAST(trim({value}) AS BIGINT) END"
    number = f"TRY_CAST({value} AS DOUBLE)"
    moment = f"TRY_CAST(regexp_replace({value}, '\\s*(Z|UTC)$', '') AS TIMESTAMP)"
    date = f"CASE WHEN regexp_matches({value}, '{_ISO_DATE}') THEN epoch_us({moment}) END"
    counts = staged.one(
        f"count(*), count({whole}), count({number}) FILTER (isfinite({number})), count({date}), max(abs({number}))"
    )
    rows, wholes, numbers, dates, largest = counts
    if wholes == rows:
        return whole
    # Large integers would be rounded.
    if numbers == rows and largest < _EXACT:
        return number
    if dates == rows:
        return date
    best = date if dates >= numbers else number
    found = staged.first(f"({best}) IS NULL", "order")
    raise _no_order(staged, "large numbers" if found is None else f"{found[0]!r} in row {found[1]} (rows count from 0)")


def _no_order(staged: Staged, received: str) -> ValueError:
    return ValueError(
        f"The order column {staged.label('order')!r} must hold numbers, or dates in ISO 8601 such as 2024-01-31T23:59:59, to be "
        "prepared: convert others first, or load the table with `Interactions.from_file`, which reads more formats. "
        f"Received: {received}"
    )


def strength(staged: Staged, options: TableOptions) -> tuple[list[tuple[str, str]], str | None, dict[str, int]]:
    """Returns what the rows count for, as SQL.

    Returns:
        Why rows are dropped, each with its condition, in the order in which they are counted; the weights, None if all rows weigh
        the same; and the number of rows of each kind of event.

    Raises:
        ValueError: as `hyperml_tf.data.strength.strength_of`.
    """
    dropped: list[tuple[str, str]] = []
    weights: list[str] = []
    events: dict[str, int] = {}
    columns = staged.columns
    if columns.rating is not None and options.min_rating is not None:
        rating, label = _number(staged, "rating"), staged.label("rating")
        dropped.append((f"without a rating in {label!r}", f"{rating} IS NULL"))
        dropped.append(
            (f"with a rating below {options.min_rating:g} in {label!r}", f"{rating} < {options.min_rating!r}")
        )
    if columns.event is not None and options.weights is not None:
        label = staged.label("event")
        event = (
            "coalesce(event_ ->> '$', '')"
            if staged.kind("event") == "JSON"
            else "coalesce(CAST(event_ AS VARCHAR), '')"
        )
        counted = staged.connection.execute(
            f"SELECT {event}, count(*) FROM {staged.table} GROUP BY ALL ORDER BY min(rowid)"
        )
        events = {name: int(number) for name, number in counted.fetchall()}
        check_events(events, options.weights, label)
        cases = " ".join(f"WHEN {quoted(name)} THEN {float(weight)!r}" for name, weight in options.weights.items())
        weight = f"CAST(CASE {event} {cases} END AS DOUBLE)"
        zero = [name for name in events if options.weights[name] == 0]
        dropped.append((f"with events of weight 0 in {label!r} ({', '.join(zero)})", f"{weight} = 0"))
        weights.append(weight)
    if columns.weight is not None:
        weight, label = _number(staged, "weight"), staged.label("weight")
        found = staged.first(f"coalesce(NOT ({weight} >= 0 AND {weight} < 'infinity'::DOUBLE), true)", "weight")
        if found is not None:
            value = "a missing value" if found[0] in (None, "") else repr(found[0])
            raise ValueError(
                f"The column {label!r} must hold a finite weight >= 0 in every row. Received: {value} in row {found[1]} (rows "
                "count from 0)"
            )
        dropped.append((f"with the weight 0 in {label!r}", f"{weight} = 0"))
        weights.append(weight)
    return dropped, " * ".join(weights) or None, events


def _number(staged: Staged, role: str) -> str:
    """A column as DOUBLE, NULL where it is missing."""
    kind = staged.kind(role)
    text = f"({role}_ ->> '$')" if kind == "JSON" else f"CAST({role}_ AS VARCHAR)"
    number = f"TRY_CAST({text} AS DOUBLE)" if kind in ("JSON", "VARCHAR") else f"TRY_CAST({role}_ AS DOUBLE)"
    found = staged.first(f"{number} IS NULL AND coalesce({text}, '') <> ''", role)
    if found is not None:
        raise ValueError(
            f"The column {staged.label(role)!r} must hold numbers. Received: {found[0]!r} in row {found[1]} (rows count from 0)"
        )
    return f"CASE WHEN isnan({number}) THEN NULL ELSE {number} END"


def _unusable(staged: Staged, role: str, received: str) -> ValueError:
    return ValueError(
        f"The column {staged.label(role)!r} must hold integers or text to be prepared. Received: {received}"
    )


def stage(connection: Any, source: Source, columns: Columns) -> Staged:
    """Copies the columns that are used into a table of the engine, one per role, so that the files are read once."""
    parts = [f"{named(source.sql_name(str(label)))} AS {role}_" for role, label in columns.roles.items()]
    connection.execute(f"CREATE TABLE staged AS SELECT {', '.join(parts)} FROM {source.relation}")
    return Staged(connection, "staged", columns, source.kind == "text")
