"""Held-out rows of a run and their sampled negatives, which are stored, so that every model is evaluated on the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from hyperml_tf.data import Interactions, Split, sampled_negatives
from hyperml_tf.data.splits import MINIMUM_ROWS, split_table
from hyperml_tf.files.archives import check_archive
from hyperml_tf.metrics.protocols import Scorer, rank_held_out
from hyperml_tf.metrics.ranked import Ranked

MakeScorer = Callable[[Interactions], Scorer]
"""Function from the rows that are known of the users to a `Scorer`, such as the method `scorer` of a model."""

TestHistory = Literal["before_test", "train"]
"""The rows that are known of the users when test items are ranked, by the names of `Split`."""

NEGATIVES = 100
# Users who are evaluated after an update: enough for a standard error of 1 %, so that all other new rows are trained on.
_NEWEST = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """A split with the sampled negatives of its users.

    Args:
        split: The training, validation and test rows.
        negatives: Codes of items that the users of the split have not interacted with, `(users, 100)`, padded with -1.
        order: String, how rows were held out, see `TrainingConfig.split`.
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
            order: String, how rows are held out, see `TrainingConfig.split`.
            seed: Integer, random seed of the split and of the negatives. Defaults to `0`.

        Raises:
            ValueError: If no row can be held out.
        """
        return cls.of(table, split_table(table, order, seed), order, seed)

    @classmethod
    def of(cls, table: Interactions, split: Split, order: str, seed: int = 0) -> HeldOut:
        """Samples the negatives of a split.

        Args:
            table: An `Interactions`, all rows, whose items are no negatives of their users.
            split: A `Split` of it.
            order: String, how rows were held out.
            seed: Integer, random seed of the negatives. Defaults to `0`.
        """
        return cls(split, sampled_negatives(table, split.users, NEGATIVES, seed), order)

    @classmethod
    def draw_newest(cls, table: Interactions, new: np.ndarray, order: str, seed: int = 0) -> HeldOut:
        """Holds out the newest row of half of the users with new rows, 2,000 at most, for test. There are no validation rows.

        Users with fewer than three rows, or who have interacted with all items, are not evaluated.

        Args:
            table: An `Interactions`, whose new rows are the last ones of their users.
            new: Boolean mask of the new rows, `(rows,)`.
            order: String, how rows of the first part of the table were held out.
            seed: Integer, random seed of the choice of users and of the negatives. Defaults to `0`.
        """
        counts = table.activity()
        users = np.unique(table.users[new])
        users = users[(counts[users] >= MINIMUM_ROWS) & (counts[users] < table.n_items)]
        chosen = min(len(users) // 2, _NEWEST)
        users = np.sort(np.random.default_rng(seed).choice(users, chosen, replace=False))
        test = np.zeros(len(table), bool)
        test[np.cumsum(counts)[users] - 1] = True
        nothing = np.zeros(0, np.int64)
        split = Split(table.with_rows(~test), table.with_rows(nothing), table.with_rows(test))
        return cls(split, sampled_negatives(table, split.users, NEGATIVES, seed), order)

    def rank(self, score: Scorer, rows: Interactions, known: Interactions) -> Ranked:
        """Ranks held-out rows under both protocols.

        Args:
            score: A `Scorer`.
            rows: Some of the held-out rows.
            known: The rows whose items are not ranked.
        """
        negatives = self.negatives[np.searchsorted(self.split.users, rows.users)]
        return rank_held_out(score, rows.users, rows.items, known.csr(), negatives)

    def rank_all(self, scorer: MakeScorer, test_history: TestHistory = "before_test") -> dict[str, Ranked]:
        """Ranks the `"validation"` and the `"test"` rows, if there are any, under both protocols.

        Everything before the held-out item is known: the history of a user is their training rows when the validation item is
        ranked, and their training and validation rows when the test items are. Items of the history are not ranked.

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
        same = test_history == "train" or not len(split.validation)
        parts["test"] = (split.test, before_test, score if same else scorer(before_test))
        return {name: self.rank(score, rows, known) for name, (rows, known, score) in parts.items() if len(rows)}

    def report(self, scorer: MakeScorer, test_history: TestHistory = "before_test") -> dict[str, dict[str, float]]:
        """Returns the metrics of a model on `"validation"` and `"test"` rows, if there are any; see `rank_all`."""
        return {name: ranked.means() for name, ranked in self.rank_all(scorer, test_history).items()}

    def save(self, path: Path, fingerprint: str) -> None:
        """Writes the split and the negatives to a file, with the fingerprint of the table."""
        parts: dict[str, Any] = {}
        for name in _PARTS:
            rows: Interactions = getattr(self.split, name)
            parts |= {f"{name}_users": rows.users, f"{name}_items": rows.items}
        np.savez_compressed(path, negatives=self.negatives, order=self.order, fingerprint=fingerprint, **parts)

    @classmethod
    def load(cls, path: Path, table: Interactions, fingerprint: str) -> HeldOut:
        """Reads a file written by `save`, with the vocabularies and weights of `table`. It may come from anybody.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged, or that of a table with another fingerprint.
        """
        check_archive(path, _MEMBERS.__contains__, compressed=True)
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (ValueError, EOFError, OSError, MemoryError) as error:
            raise ValueError(f"`{path}` is damaged: it must hold arrays of numbers. Received: {error}") from error
        _check_arrays(path, arrays, table)
        if str(arrays["fingerprint"]) != fingerprint:
            raise ValueError(
                f"`{path}` must be that of the table of the run, {fingerprint}. Received: that of {arrays['fingerprint']}"
            )
        try:
            parts = {name: _rows(table, arrays[f"{name}_users"], arrays[f"{name}_items"]) for name in _PARTS}
        except KeyError as error:
            raise ValueError(f"`{path}` must hold rows of the table of the run. Received: {error.args[0]}") from error
        return cls(Split(**parts), arrays["negatives"], str(arrays["order"]))


def _rows(table: Interactions, users: np.ndarray, items: np.ndarray) -> Interactions:
    """Rows of a table that has all of them if it has weights, which the rows keep."""
    if table.weights is None:
        return dataclasses.replace(table, users=users, items=items, times=None)
    keys, wanted = (
        one.astype(np.int64) * table.n_items + other for one, other in ((table.users, table.items), (users, items))
    )
    order = np.argsort(keys)
    places = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    if not np.array_equal(keys[places], wanted):
        raise KeyError("a row that the table does not have")
    return dataclasses.replace(table, users=users, items=items, weights=table.weights[places], times=None)


_PARTS = tuple(field.name for field in dataclasses.fields(Split))
_OTHERS = ("negatives", "order", "fingerprint")
_ARRAYS = (*_OTHERS, *(f"{part}_{kind}" for part in _PARTS for kind in ("users", "items")))
_MEMBERS = frozenset(f"{name}.npy" for name in _ARRAYS)


def _check_arrays(path: Path, arrays: dict[str, np.ndarray], table: Interactions) -> None:
    """Raises an error if the arrays of a file are not codes of users and items, as many as belong together."""
    if missing := [name for name in _ARRAYS if name not in arrays]:
        raise ValueError(f"`{path}` must hold a split and its negatives. Received: no {', '.join(missing)}")
    evaluated = len(np.union1d(arrays["validation_users"], arrays["test_users"]))
    for name in _ARRAYS:
        array, limit = arrays[name], table.n_users if name.endswith("_users") else table.n_items
        shape = arrays[f"{name.partition('_')[0]}_users"].shape if name not in _OTHERS else array.shape
        if name in ("order", "fingerprint"):
            right = array.dtype.kind == "U" and array.shape == ()
        elif name == "negatives":
            right = array.dtype.kind == "i" and array.ndim == 2 and len(array) == evaluated
        else:
            right = array.dtype.kind == "i" and array.ndim == 1 and array.shape == shape
        if right and array.dtype.kind == "i" and array.size:
            # Users with fewer items that they have not interacted with have -1 among their negatives.
            right = array.min() >= -int(name == "negatives") and array.max() < limit
        if not right:
            raise ValueError(
                f"`{path}` must hold codes of the {table.n_users} users and {table.n_items} items of the model. "
                f"Received: {name} of shape {array.shape} and dtype {array.dtype}"
            )


def check_test_history(value: str) -> None:
    """Raises a `ValueError` if the value is not a `TestHistory`."""
    if value not in get_args(TestHistory):
        raise ValueError(f"`test_history` must be one of {get_args(TestHistory)}. Received: test_history={value!r}")
