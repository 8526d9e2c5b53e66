"""Held-out rows of a run and their sampled negatives, which are stored, so that every model is evaluated on the same."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from hyperml_tf.data import Interactions, Split, leave_one_out, sampled_negatives
from hyperml_tf.metrics import ranking_report
from hyperml_tf.metrics.protocols import Scorer

logger = logging.getLogger(__name__)

MakeScorer = Callable[[Interactions], Scorer]
"""Function from the rows that are known of the users to a `Scorer`, such as the method `scorer` of a model."""

TestHistory = Literal["before_test", "train"]
"""The rows that are known of the users when test items are ranked, by the names of `Split`."""

_NEGATIVES = 100


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """A split with the sampled negatives of its users.

    Args:
        split: The training, validation and test rows.
        negatives: Codes of items that the users have not interacted with, `(users, 100)`.
        order: String, how rows were held out, see `leave_one_out`.
    """

    split: Split
    negatives: np.ndarray
    order: str

    @classmethod
    def draw(cls, table: Interactions, order: Any, seed: int = 0) -> HeldOut:
        """Splits a table and samples the negatives.

        Users who have interacted with all items have no negatives, so all their rows are training rows.

        Args:
            table: An `Interactions`.
            order: See `leave_one_out`.
            seed: Integer, random seed of the split and of the negatives. Defaults to `0`.

        Raises:
            ValueError: If no row can be held out.
        """
        split = _without_full_users(table, leave_one_out(table, order, seed))
        return cls(split, sampled_negatives(table, split.users, _NEGATIVES, seed), order)

    def report(self, scorer: MakeScorer, test_history: TestHistory = "before_test") -> dict[str, dict[str, float]]:
        """Returns the metrics of a model on `"validation"` and `"test"` rows, under both protocols.

        Everything before the held-out item is known: the history of a user is their training rows when the validation item is
        ranked, and their training and validation rows when the test item is. Items of the history are not ranked.

        Args:
            scorer: A `MakeScorer`.
            test_history: String, "before_test" or "train". The latter is the older protocol: users are represented by their
                training rows when test items are ranked, too; the validation item is not ranked. Defaults to `"before_test"`.

        Raises:
            ValueError: If `test_history` is neither of the two.
        """
        check_test_history(test_history)
        split = self.split
        before_test = split.before_test
        score = scorer(split.train)
        parts = {"validation": (split.validation, split.train, score)}
        parts["test"] = (split.test, before_test, score if test_history == "train" else scorer(before_test))
        return {
            name: ranking_report(score, rows.users, rows.items, known.csr(), self.negatives)
            for name, (rows, known, score) in parts.items()
        }

    def save(self, path: Path) -> None:
        """Writes the split and the negatives to a file."""
        parts: dict[str, Any] = {}
        for field in dataclasses.fields(Split):
            rows: Interactions = getattr(self.split, field.name)
            parts |= {f"{field.name}_users": rows.users, f"{field.name}_items": rows.items}
        np.savez_compressed(path, negatives=self.negatives, order=self.order, **parts)

    @classmethod
    def load(cls, path: Path, table: Interactions) -> HeldOut:
        """Reads a file written by `save`, with the vocabularies of `table`."""
        with np.load(path) as stored:
            parts = {
                field.name: dataclasses.replace(
                    table, users=stored[f"{field.name}_users"], items=stored[f"{field.name}_items"]
                )
                for field in dataclasses.fields(Split)
            }
            return cls(Split(**parts), stored["negatives"], str(stored["order"]))


def check_test_history(value: str) -> None:
    """Raises a `ValueError` if the value is not a `TestHistory`."""
    if value not in get_args(TestHistory):
        raise ValueError(f"`test_history` must be one of {get_args(TestHistory)}. Received: test_history={value!r}")


def _without_full_users(table: Interactions, split: Split) -> Split:
    """Moves the held-out rows of users who have interacted with all items back to the training rows."""
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
