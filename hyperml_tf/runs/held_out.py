"""The held-out rows of a run and their sampled negatives: drawn once, stored, and the same for every model."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np

from hyperml_tf.data import Interactions, Split, leave_one_out, sampled_negatives
from hyperml_tf.metrics import ranking_report
from hyperml_tf.metrics.protocols import Scorer

logger = logging.getLogger(__name__)

_NEGATIVES = 100


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """A split with the sampled negatives of its users.

    Args:
        split: the three parts of the table.
        negatives: `(users, 100)` codes of items that each user never touched.
        order: how the rows were held out, see `leave_one_out`.
    """

    split: Split
    negatives: np.ndarray
    order: str

    @classmethod
    def draw(cls, table: Interactions, order: Any, seed: int = 0) -> HeldOut:
        """Splits a table and draws the negatives. `order` and `seed`: see `leave_one_out`.

        A user who touched every item has no negatives: such users only train.

        Raises:
            ValueError: if nobody can be held out.
        """
        split = _without_full_users(table, leave_one_out(table, order, seed))
        return cls(split, sampled_negatives(table, split.users, _NEGATIVES, seed), order)

    def report(self, score: Scorer) -> dict[str, dict[str, float]]:
        """Metrics of a model under `"validation"` and `"test"`, each under both protocols.

        A test item competes with all items outside the user's training and validation rows, a validation item with all outside
        the training rows.
        """
        split = self.split
        parts = {"validation": (split.validation, split.train), "test": (split.test, split.before_test)}
        return {
            name: ranking_report(score, rows.users, rows.items, known.csr(), self.negatives)
            for name, (rows, known) in parts.items()
        }

    def save(self, path: Path) -> None:
        """Writes the split and the negatives to one file."""
        parts: dict[str, Any] = {}
        for field in dataclasses.fields(Split):
            rows: Interactions = getattr(self.split, field.name)
            parts |= {f"{field.name}_users": rows.users, f"{field.name}_items": rows.items}
        np.savez_compressed(path, negatives=self.negatives, order=self.order, **parts)

    @classmethod
    def load(cls, path: Path, table: Interactions) -> HeldOut:
        """Reads what `save` wrote, for the vocabularies of `table`."""
        with np.load(path) as stored:
            parts = {
                field.name: dataclasses.replace(
                    table, users=stored[f"{field.name}_users"], items=stored[f"{field.name}_items"]
                )
                for field in dataclasses.fields(Split)
            }
            return cls(Split(**parts), stored["negatives"], str(stored["order"]))


def _without_full_users(table: Interactions, split: Split) -> Split:
    """Puts the held-out rows of users who touched every item back into training."""
    full = table.activity() == table.n_items
    if not full[split.users].any():
        return split
    if full[split.users].all():
        raise ValueError("`table` must have a user with an item that they never touched, or nothing can be ranked.")
    logger.info("%d users have touched every item: they only train.", np.count_nonzero(full[split.users]))
    kept = ~full[split.users]
    validation, test = split.validation.with_rows(kept), split.test.with_rows(kept)
    keys = table.users.astype(np.int64) * table.n_items + table.items
    train = table.with_rows(~np.isin(keys, np.concatenate([validation.keys(), test.keys()])))
    return Split(train, validation, test)
