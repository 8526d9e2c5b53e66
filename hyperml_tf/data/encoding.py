"""Encoding of tables as integer codes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hyperml_tf.data.columns import Columns
from hyperml_tf.data.identifiers import MISSING, compact, encode_ids
from hyperml_tf.data.notes import notes_on
from hyperml_tf.data.order_column import order_values
from hyperml_tf.data.origin import Origin, span_of
from hyperml_tf.data.row_order import in_stored_order
from hyperml_tf.data.strength import strength_of
from hyperml_tf.data.table_options import TableOptions

logger = logging.getLogger(__name__)


class Encoded(NamedTuple):
    """The rows of a table as codes, as `Interactions` holds them."""

    users: np.ndarray
    items: np.ndarray
    weights: np.ndarray | None
    user_ids: np.ndarray
    item_ids: np.ndarray
    times: np.ndarray | None


def encode(
    frame: pd.DataFrame, columns: Columns, where: str, options: TableOptions, table: str
) -> tuple[Encoded, Origin]:
    """Encodes the user and item columns, and sorts the rows by user and by the order column.

    Rows without a user or an item, and those that do not count, are dropped, with a warning; and so are all but one row of each
    (user, item) pair.

    Args:
        frame: the table.
        columns: the labels of its columns.
        where: what the table is, for error messages.
        options: how it is read.
        table: its path, or what it is instead.

    Returns:
        The codes and the vocabularies, and what was read and dropped.

    Raises:
        ValueError: as `Interactions.from_frame`.
    """
    users, user_ids = encode_ids(frame[columns.user], columns.user)
    items, item_ids = encode_ids(frame[columns.item], columns.item)
    when = None if columns.order is None else order_values(frame[columns.order], columns.order)
    span, notes = (None, ()) if when is None else span_of(frame[columns.order], when)
    strength = strength_of(frame, columns, options)
    strength.drop((users == MISSING) | (items == MISSING), "without a user or an item")
    rows, weights = len(users), strength.weights
    for why, number in strength.dropped.items():
        logger.warning("Dropped %d of %d rows %s.", number, rows, why)
    if strength.kept is not None:
        users, user_ids = compact(users[strength.kept], user_ids)
        items, item_ids = compact(items[strength.kept], item_ids)
        when, weights = (None if values is None else values[strength.kept] for values in (when, weights))
    fewest = 1 if options.partial else 2
    if len(user_ids) < fewest or len(item_ids) < fewest:
        raise ValueError(
            f"{where} must hold interactions of at least {_NUMBERS[fewest]}. Received: {len(users)} rows, "
            f"{len(user_ids)} users, {len(item_ids)} items"
        )
    stored = in_stored_order(users, items, len(item_ids), when, options.kept_repeats, weights)
    times = None if when is None else when[stored[3]]
    origin = Origin(
        table,
        {role: str(label) for role, label in columns.roles.items()},
        tuple(map(str, columns.others)),
        rows,
        strength.dropped,
        len(users) - len(stored[0]),
        options.kept_repeats,
        strength.events,
        options.weights,
        span,
        (*notes_on(columns, options), *notes),
    )
    say(origin, len(users))
    return Encoded(stored[0], stored[1], _float32(stored[2], columns), user_ids, item_ids, times), origin


_NUMBERS = {1: "one user and one item", 2: "two users and two items"}


def say(origin: Origin, counted: int) -> None:
    """Logs what became of the rows that repeat an item of their user, and what is noted of the columns.

    Args:
        origin: what was read.
        counted: the number of rows that count.
    """
    if origin.repeated and origin.repeats == "sum":
        logger.info("Summed the weights of %d of %d rows that repeat an item of their user.", origin.repeated, counted)
    elif origin.repeated:
        logger.warning(
            "Dropped %d of %d rows that repeat an item of their user: the %s row of each pair counts, see `repeats`.",
            origin.repeated,
            counted,
            origin.repeats,
        )
    for note in origin.notes:
        logger.warning("%s", note)


def _float32(weights: np.ndarray | None, columns: Columns) -> np.ndarray | None:
    """The weights in the dtype of the loss; None if all are 1, which costs nothing."""
    if weights is None or np.all(weights == 1.0):
        return None
    return in_float32(weights, columns.roles)


def in_float32(weights: np.ndarray, roles: Mapping[str, Any]) -> np.ndarray:
    """Returns weights in the dtype of the loss.

    Args:
        weights: `(rows,)` positive numbers.
        roles: the names of the columns by what they were taken for; the error names those that weights come from.

    Raises:
        ValueError: if one is 0 or infinite in that dtype.
    """
    with np.errstate(over="ignore", under="ignore"):
        narrow = weights.astype(np.float32)
    if not np.all((narrow > 0) & (narrow < np.inf)):
        whence = ", ".join(repr(roles[role]) for role in ("event", "weight") if role in roles) or "repeated rows"
        raise ValueError(
            f"The weights of rows must be in the range of float32. Received: {weights.min()} to {weights.max()} from {whence}"
        )
    return narrow
