"""Encoding of tables as integer codes."""

from __future__ import annotations

import logging
from typing import get_args

import numpy as np
import pandas as pd

from hyperml_tf.data.columns import Columns
from hyperml_tf.data.identifiers import MISSING, compact, encode_ids
from hyperml_tf.data.order_column import order_values
from hyperml_tf.data.row_order import Repeats, in_stored_order

logger = logging.getLogger(__name__)


def encode(
    frame: pd.DataFrame, columns: Columns, where: str, repeats: Repeats = "first"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Encodes the user and item columns, and sorts the rows by user and by the order column.

    Rows without a user or an item are dropped, with a warning, and so are all but one row of each (user, item) pair.

    Args:
        frame: the table.
        columns: the labels of its user, item and order columns.
        where: what the table is, for error messages.
        repeats: which row of a pair is kept, the "first" or the "last".

    Returns:
        The codes of users and of items, `(rows,)` int32 each, and the vocabularies of users and of items.

    Raises:
        ValueError: as `Interactions.from_frame`.
    """
    if repeats not in get_args(Repeats):
        raise ValueError(f"`repeats` must be one of {get_args(Repeats)}. Received: repeats={repeats!r}")
    user, item, order = columns
    users, user_ids = encode_ids(frame[user], user)
    items, item_ids = encode_ids(frame[item], item)
    when = None if order is None else order_values(frame[order], order)
    present = (users != MISSING) & (items != MISSING)
    if not present.all():
        dropped = len(present) - np.count_nonzero(present)
        logger.warning("Dropped %d of %d rows without a user or an item.", dropped, len(present))
        users, user_ids = compact(users[present], user_ids)
        items, item_ids = compact(items[present], item_ids)
        when = None if when is None else when[present]
    if len(user_ids) < 2 or len(item_ids) < 2:
        raise ValueError(
            f"{where} must hold interactions of at least two users and two items. Received: {len(users)} rows, "
            f"{len(user_ids)} users, {len(item_ids)} items"
        )
    rows = in_stored_order(users, items, len(item_ids), when, repeats)
    if len(rows[0]) < len(users):
        logger.warning(
            "Dropped %d of %d rows that repeat an item of their user: the %s row of each pair counts, see `repeats`.",
            len(users) - len(rows[0]),
            len(users),
            repeats,
        )
    return *rows, user_ids, item_ids
