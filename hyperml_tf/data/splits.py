"""Leave one out: which rows train, which one of a user validates and which one tests."""

from __future__ import annotations

import dataclasses
import logging
from typing import Literal

import numpy as np

from hyperml_tf.data.interactions import Interactions

logger = logging.getLogger(__name__)

MINIMUM_ROWS = 3
"""A user with fewer distinct items only trains."""


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Three disjoint parts of one table, with its vocabularies.

    Args:
        train: every row that is not held out.
        validation: one row of every evaluated user.
        test: one row of every evaluated user, the users in the same order as in `validation`.
    """

    train: Interactions
    validation: Interactions
    test: Interactions

    @property
    def users(self) -> np.ndarray:
        """The codes of the evaluated users, `(n_evaluated,)` int32, increasing."""
        return self.test.users

    @property
    def before_test(self) -> Interactions:
        """The rows of training and validation together: what a test item does not compete with."""
        users = np.concatenate([self.train.users, self.validation.users])
        items = np.concatenate([self.train.items, self.validation.items])
        order = np.argsort(users, kind="stable")
        return dataclasses.replace(self.train, users=users[order], items=items[order])


def leave_one_out(interactions: Interactions, order: Literal["last", "random"] = "last", seed: int = 0) -> Split:
    """Holds out two items of every user with at least three: one for the test, one for validation.

    The vocabularies stay those of the whole table, so an item that occurs in held-out rows only is still a candidate.

    Args:
        interactions: the whole table.
        order: "last" takes the last item of a user for the test and the one before it for validation (without an order
            column, by the order of the table); "random" takes two at random.
        seed: of the random choice.

    Returns:
        The three parts.

    Raises:
        ValueError: if `order` is neither, or no user has three items.

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
            f"Received: at most {counts.max()} items a user in {interactions}"
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
