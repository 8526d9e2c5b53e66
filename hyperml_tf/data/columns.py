"""Which columns of a table hold the users, the items and their order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

ColumnChoice = str | Literal[False] | None
"""The name of a column; None to detect it by common names; False for no such column, which only the order allows."""

Columns = tuple[Hashable, Hashable, Hashable | None]
"""The labels of the user, item and order columns; the last is None if the table has no order."""

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "user": (
        *("user", "userid", "uid", "customer", "customerid", "reviewer", "reviewerid"),
        *("visitor", "visitorid", "member", "memberid", "account", "accountid", "sessionid", "session"),
    ),
    "item": (
        *("item", "itemid", "iid", "movie", "movieid", "product", "productid", "asin", "parentasin", "article"),
        *("articleid", "book", "bookid", "isbn", "song", "songid", "track", "trackid", "artist", "artistid"),
        *("business", "businessid", "sku", "movietitle"),
    ),
    "order": (
        *("timestamp", "time", "ts", "datetime", "date", "unixreviewtime", "unixtime", "eventtime", "reviewtime"),
        *("createdat", "position", "order", "sequence"),
    ),
}
"""Common names of each role, normalised, in order of preference."""


def find_columns(
    columns: Sequence[Hashable], user_column: str | None, item_column: str | None, order_column: ColumnChoice
) -> Columns:
    """Finds the user, item and order columns.

    Names are compared without regard to case, spaces, hyphens, underscores and a type suffix (`user_id:token`).

    Args:
        columns: the labels of all columns.
        user_column: the name of the user column; None to detect it by `USUAL_NAMES`.
        item_column: the same for the item column.
        order_column: the same for the order column; False if there is none.

    Returns:
        The labels of the three columns.

    Raises:
        ValueError: if a named column, or the user or item column, is missing; if two roles have the same column; or if two
            columns have the name of one role.
    """
    columns = list(columns)
    user = _find(columns, "user", user_column)
    item = _find(columns, "item", item_column)
    order = None if order_column is False else _find(columns, "order", order_column)
    for other, role in ((item, "item"), (order, "order")):
        if other is not None and other == user:
            raise ValueError(
                f"`user_column` and `{role}_column` must be different columns. Received: {user!r} for both"
            )
    if order is not None and order == item:
        raise ValueError(f"`item_column` and `order_column` must be different columns. Received: {item!r} for both")
    for column, role in ((user, "user"), (item, "item"), (order, "order")):
        if columns.count(column) > 1:
            raise ValueError(
                f"The {role} column must occur once in the table. Received: {columns.count(column)} named {column!r}"
            )
    return user, item, order


def find_item_column(columns: Sequence[Hashable], item_column: str | None = None) -> Hashable:
    """Finds the item column of a table of items, as `find_columns` does.

    Raises:
        ValueError: if it is missing.
    """
    return _find(list(columns), "item", item_column)


def _find(columns: Sequence[Hashable], role: str, given: str | None) -> Hashable | None:
    if given is not None:
        if given in columns:
            return given
        wanted: tuple[str, ...] = (_normalised(given),)
    else:
        wanted = USUAL_NAMES[role]
    by_name: dict[str, Hashable] = {}
    for column in columns:
        by_name.setdefault(_normalised(column), column)
    found = next((by_name[name] for name in wanted if name in by_name), None)
    if found is None and (given is not None or role != "order"):
        raise ValueError(_missing(columns, role, given))
    return found


def _normalised(column: Hashable) -> str:
    name = str(column).split(":")[0].lower()
    return "".join(letter for letter in name if letter not in " -_")


def _missing(columns: Sequence[Hashable], role: str, given: str | None) -> str:
    listed = ", ".join(repr(str(column)) for column in columns) or "no columns"
    if given is not None:
        return f"`{role}_column` must name a column of the table, which has {listed}. Received: {given!r}"
    usual = ", ".join(USUAL_NAMES[role][:4])
    return (
        f"No {role} column was found by its common names ({usual}, ...). Pass `{role}_column=` with one of the columns of "
        f"the table (the first line of a file must be its header). Received: {listed}"
    )
