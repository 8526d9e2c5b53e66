"""Leave-one-out splits into training, validation and test rows."""

from __future__ import annotations

import dataclasses
import logging
from typing import Literal

import numpy as np

from hyperml_tf.data.interactions import Interactions

logger = logging.getLogger(__name__)

MINIMUM_ROWS = 3
"""Users with fewer distinct items have training rows only."""


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """The parts of a leave-one-out split. All have the vocabularies of the whole table.

    Args:
        train: all rows that are not held out.
        validation: one row per evaluated user.
        test: one row per evaluated user, in the same order of users.

    Example:

    >>> split = leave_one_out(Interactions.from_arrays(["a", "a", "a", "b"], [10, 11, 12, 10]))
    >>> len(split.train), len(split.validation), len(split.test)
    (2, 1, 1)
    >>> len(split.before_test)
    3
    """

    train: Interactions
    validation: Interactions
    test: Interactions

    @property
    def users(self) -> np.ndarray:
        """The codes of the evaluated users, sorted, `(n_evaluated,)` int32."""
        return self.test.users

    @property
    def before_test(self) -> Interactions:
        """The training and validation rows: what is known of the users when the test items are ranked.

        The validation row of a user is behind the training rows, as their newest one. With split "last" that is the order of the
        table; with split "random" held-out rows have no place in the order.
        """
        users = np.concatenate([self.train.users, self.validation.users])
        items = np.concatenate([self.train.items, self.validation.items])
        order = np.argsort(users, kind="stable")
        weights = None
        if self.train.weights is not None:
            weights = np.concatenate([self.train.row_weights(), self.validation.row_weights()])[order]
        return dataclasses.replace(self.train, users=users[order], items=items[order], weights=weights)


def leave_one_out(interactions: Interactions, order: Literal["last", "random"] = "last", seed: int = 0) -> Split:
    """Splits leave-one-out: each user with at least three items has one item held out for test and one for validation.

    The parts keep the vocabularies of the whole table, so an item with held-out rows only is still a candidate.

    Args:
        interactions: the whole table.
        order: which items are held out. "last": the last item of a user for test, and the one before it for validation, by
            the order column, or by the order of the table if there is none. "random": two items at random. Defaults to
            "last".
        seed: the seed of the random choice. Defaults to 0.

    Returns:
        The split.

    Raises:
        ValueError: if `order` is neither of the two, or no user has three items.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "a", "b"], [10, 11, 12, 10])
    >>> split = leave_one_out(table)
    >>> split.train.to_frame()["item"].tolist(), split.validation.to_frame()["item"].tolist()
    ([10, 10], [11])
    >>> split.test.to_frame()["item"].tolist()
    [12]
    """
    if order not in ("last", "random"):
        raise ValueError(f'`order` must be "last" or "random". Received: {order!r}')
    counts = interactions.activity()
    ends = np.cumsum(counts)
    evaluated = counts >= MINIMUM_ROWS
    if not evaluated.any():
        raise ValueError(
            f"`interactions` must have a user with at least {MINIMUM_ROWS} distinct items, or nothing can be held out. "
            f"Received: at most {counts.max()} items per user in {interactions}"
        )
    counts, ends = counts[evaluated], ends[evaluated]
    if order == "last":
        if not interactions.ordered:
            logger.warning("The interactions have no order column: the last item of a user is the last in the table.")
        test, validation = ends - 1, ends - 2
    else:
        rng = np.random.default_rng(seed)
        first = rng.integers(counts)
        second = rng.integers(counts - 1)
        second += second >= first
        test, validation = ends - 1 - first, ends - 1 - second
    held_out = np.zeros(len(interactions), bool)
    held_out[test] = held_out[validation] = True
    logger.info("Evaluated users: %d of %d.", len(ends), interactions.n_users)
    return Split(interactions.with_rows(~held_out), interactions.with_rows(validation), interactions.with_rows(test))


def without_full_users(table: Interactions, split: Split) -> Split:
    """Moves the held-out rows of users who have interacted with all items back to the training rows.

    Args:
        table: the whole table.
        split: a split of it.

    Raises:
        ValueError: if no other user has held-out rows.
    """
    full = table.activity() == table.n_items
    if not full[split.users].any():
        return split
    if full[split.users].all():
        raise ValueError(
            "`table` must have a user with an item that they never interacted with, or nothing can be ranked. "
            "Received: no such user"
        )
    logger.info(
        "%d users have interacted with all items: they are only trained on.", np.count_nonzero(full[split.users])
    )
    kept = ~full[split.users]
    validation, test = split.validation.with_rows(kept), split.test.with_rows(kept)
    keys = table.users.astype(np.int64) * table.n_items + table.items
    train = table.with_rows(~np.isin(keys, np.concatenate([validation.keys(), test.keys()])))
    return Split(train, validation, test)
