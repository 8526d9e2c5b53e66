"""Splits into training, validation and test rows: leave-one-out, at a time, and for cross-validation."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from hyperml_tf._argument_checks import check_instance, check_positive_integer, random_seed
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.interactions import Interactions
from hyperml_tf.data.times import as_time

logger = logging.getLogger(__name__)

MINIMUM_ROWS = 3
"""Users with fewer distinct items have training rows only."""


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """The parts of a table. All have the vocabularies of the whole table.

    Args:
        train: the rows that are trained on.
        validation: one row per user.
        test: the rows of users that are ranked in the end. Of `leave_one_out`, one row per user, of the users of `validation`;
            of `time_split` and `k_folds` there may be several.

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
        """The codes of the users with held-out rows, sorted, `(n_evaluated,)` int32."""
        return np.union1d(self.validation.users, self.test.users)

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
        return dataclasses.replace(self.train, users=users[order], items=items[order], weights=weights, times=None)


TIME = "time:"
"""How settings begin that split a table at a time, such as `time:2024-01-01`."""


def split_table(table: Interactions, how: str, seed: int = 0) -> Split:
    """Splits a table as the setting `split` says. Users who have interacted with all items are not evaluated.

    Args:
        table: the whole table.
        how: "last" or "random", see `leave_one_out`; or "time:" and a time, see `time_split`.
        seed: the seed of a random choice. Defaults to 0.

    Raises:
        ValueError: as the function that splits, or if no user is left.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "a", "b", "b"], [1, 2, 3, 3, 4], order=[1, 2, 3, 3, 4])
    >>> split_table(table, "time:3").test.to_frame().values.tolist()
    [['a', 3]]
    """
    if how.startswith(TIME):
        return time_split(table, how.removeprefix(TIME))
    return without_full_users(table, leave_one_out(table, how, seed))  # type: ignore[arg-type]  # checked there


@names_arguments
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
    check_instance(Interactions, interactions=interactions)
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
        rng = np.random.default_rng(random_seed(seed=seed))
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


@names_arguments
def time_split(table: Interactions, when: Any) -> Split:
    """Splits a table at a time, as it is in production: everything before it is known, everything from then on is asked for.

    - Test rows are those from `when` on, of users with at least one row before; there may be several per user.
    - The last row before `when` of each user with at least three of them is for validation.
    - All other rows before `when` are trained on. Later rows of users without earlier ones are in no part.

    Args:
        table: the whole table, with an order column.
        when: the first time of the test: a date such as "2024-01-01" or "2024-01-01T12:00", UTC unless it has a zone, or a number
            as in the order column.

    Raises:
        ValueError: if the table has no order column, if `when` is not a time of it, or if there is nothing to train on or to
            test.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "a", "a", "b"], [1, 2, 3, 4, 5], order=[1, 2, 3, 4, 4])
    >>> split = time_split(table, 4)
    >>> split.train.to_frame()["item"].tolist(), split.validation.to_frame()["item"].tolist()
    ([1, 2], [3])
    >>> split.test.to_frame().values.tolist()
    [['a', 4]]
    """
    check_instance(Interactions, table=table)
    if table.times is None:
        raise ValueError(
            "A split at a time requires a table with an order column, such as a timestamp: `order_column=` "
            "(`--order-column`). Received: a table without times"
        )
    later = table.times >= as_time(when, table.times)
    before = np.bincount(table.users[~later], minlength=table.n_users)
    full = table.activity() == table.n_items
    test = later & (before > 0)[table.users] & ~full[table.users]
    if not test.any():
        raise ValueError(
            "`split` at a time must have rows from then on of users who have earlier rows. "
            f"Received: {when!r}, with {np.count_nonzero(~later)} rows before it and {np.count_nonzero(later)} from then on"
        )
    # Rows are in the order of time within each user.
    ends = np.searchsorted(table.users, np.arange(table.n_users)) + before - 1
    validation = np.zeros(len(table), bool)
    validation[ends[(before >= MINIMUM_ROWS) & ~full]] = True
    train = ~later & ~validation
    logger.info(
        "Split at %s: %d rows before it; %d of %d later rows are of %d users with earlier ones, and are ranked.",
        when,
        np.count_nonzero(~later),
        np.count_nonzero(test),
        np.count_nonzero(later),
        len(np.unique(table.users[test])),
    )
    return Split(table.with_rows(train), table.with_rows(validation), table.with_rows(test))


@names_arguments
def k_folds(table: Interactions, folds: int = 5, seed: int = 0) -> Iterator[Split]:
    """Splits a table for cross-validation: each row is a test row in one of the folds.

    The rows of each user are dealt at random to the folds, as evenly as possible. Of the rows that are not for test, one of each
    user with at least three of them is for validation, at random; the others are trained on. Users who have interacted with all
    items are only trained on.

    Args:
        table: the whole table.
        folds: the number of folds, at least 2. Defaults to 5.
        seed: the seed of the random choices. Defaults to 0.

    Yields:
        One split for each fold.

    Raises:
        ValueError: if `folds` is not an integer >= 2, or if no user has two rows and an item without one.

    Example:

    >>> table = Interactions.from_arrays(["a"] * 4 + ["b"] * 2, [1, 2, 3, 4, 4, 5])
    >>> [len(split.test) for split in k_folds(table, folds=2)]
    [3, 3]
    """
    check_positive_integer(folds=folds)
    counts = table.activity()
    ranked = (counts >= 2) & (counts < table.n_items)
    if folds < 2:
        raise ValueError(f"`folds` must be at least 2. Received: folds={folds}")
    if not ranked.any():
        raise ValueError(
            "`table` must have a user with two items, and one that they never interacted with. Received: no such user"
        )
    rng = np.random.default_rng(seed)
    # In a random order within each user; the first fold of each user is random, too, so that all folds are of a size.
    shuffled = np.lexsort((rng.random(len(table)), table.users))
    within = np.arange(len(table)) - np.repeat(np.cumsum(counts) - counts, counts)
    fold = np.empty(len(table), np.int64)
    fold[shuffled] = (within + np.repeat(rng.integers(folds, size=table.n_users), counts)) % folds
    fold[~ranked[table.users]] = -1
    for number in range(folds):
        test = fold == number
        others = shuffled[~test[shuffled] & ranked[table.users[shuffled]]]
        users, first, rest = np.unique(table.users[others], return_index=True, return_counts=True)
        validation = np.zeros(len(table), bool)
        validation[others[first[rest >= MINIMUM_ROWS]]] = True
        # Users whose only rows are those of the test are unknown.
        test &= np.isin(table.users, users)
        yield Split(table.with_rows(~test & ~validation), table.with_rows(validation), table.with_rows(test))
