"""Which columns of a table hold the users, the items, their order and their strength."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence

from hyperml_tf.data.table_options import ColumnChoice, TableOptions


@dataclasses.dataclass(frozen=True)
class Columns:
    """The labels of the columns that are read.

    Args:
        user: that of the users.
        item: that of the items.
        order: that of the order; None if the table has none.
        event: that of the kinds of events; None if it is not used.
        weight: that of the weights; None if it is not used.
        rating: that of the ratings; None if it is not used.
        others: the labels of all other columns.
    """

    user: Hashable
    item: Hashable
    order: Hashable | None = None
    event: Hashable | None = None
    weight: Hashable | None = None
    rating: Hashable | None = None
    others: tuple[Hashable, ...] = ()

    @property
    def roles(self) -> dict[str, Hashable]:
        """The label of each role that has a column."""
        found = {role: getattr(self, role) for role in ROLES}
        return {role: label for role, label in found.items() if label is not None}

    @property
    def used(self) -> list[Hashable]:
        """The labels of all columns that are read, each once."""
        return list(dict.fromkeys(self.roles.values()))


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
        *("createdat", "eventtimestamp", "eventdate", "interactiontime", "unixtimestamp", "timestampms", "epoch"),
        *("position", "order", "sequence"),
    ),
    "event": ("event", "eventtype", "eventname", "action", "actiontype", "behavior", "behaviour", "behaviortype"),
    "weight": (
        "weight",
        "sampleweight",
        "rowweight",
        "strength",
        "confidence",
        "quantity",
        "qty",
        "plays",
        "playcount",
    ),
    "rating": ("rating", "stars", "score", "overall", "rate", "ratings"),
}
"""Common names of each role, normalised, in order of preference."""

ROLES = tuple(USUAL_NAMES)


def choose_columns(columns: Sequence[Hashable], options: TableOptions) -> Columns:
    """Finds all columns that a table is read from.

    Events, weights and ratings are read only if they are asked for. Their columns are then found by common names, too.

    Args:
        columns: the labels of all columns.
        options: how the table is read.

    Raises:
        ValueError: as `find_columns`.
    """
    columns = list(columns)
    user, item, order = find_columns(columns, options.user_column, options.item_column, options.order_column)
    asked = {"event": options.event_weights, "weight": options.weight_column, "rating": options.min_rating}
    found: dict[str, Hashable | None] = {}
    for role, value in asked.items():
        if value is None or value is False:
            continue
        label = found[role] = _find(columns, role, getattr(options, f"{role}_column"))
        _check_once(columns, label, role)
        for other, name in ((user, "user"), (item, "item")):
            if label == other:
                raise ValueError(
                    f"`{name}_column` and `{role}_column` must be different columns. Received: {label!r} for both"
                )
    chosen = Columns(user, item, order, found.get("event"), found.get("weight"), found.get("rating"))
    return dataclasses.replace(chosen, others=tuple(label for label in columns if label not in chosen.used))


def find_columns(
    columns: Sequence[Hashable], user_column: str | None, item_column: str | None, order_column: ColumnChoice
) -> tuple[Hashable, Hashable, Hashable | None]:
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
        _check_once(columns, column, role)
    return user, item, order


def _check_once(columns: list[Hashable], column: Hashable | None, role: str) -> None:
    if columns.count(column) > 1:
        raise ValueError(
            f"The {role} column must occur once in the table. Received: {columns.count(column)} named {column!r}"
        )


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
        wanted: tuple[str, ...] = (normalised(given),)
    else:
        wanted = USUAL_NAMES[role]
    by_name: dict[str, Hashable] = {}
    for column in columns:
        by_name.setdefault(normalised(column), column)
    found = next((by_name[name] for name in wanted if name in by_name), None)
    if found is None and (given is not None or role != "order"):
        raise ValueError(_missing(columns, role, given))
    return found


def normalised(column: Hashable) -> str:
    """Returns the name of a column as `USUAL_NAMES` has it."""
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
