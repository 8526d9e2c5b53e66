"""A table of implicit feedback as integer codes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from typing import Any

import numpy as np
import pandas as pd

from hyperml_tf.data import vocabularies
from hyperml_tf.data.columns import ColumnChoice, Columns, find_columns
from hyperml_tf.data.encoding import encode
from hyperml_tf.data.reading import read_table
from hyperml_tf.data.row_order import in_stored_order
from hyperml_tf.data.tabular import dataset_columns, take_columns, to_series


@dataclasses.dataclass(frozen=True, eq=False)
class Interactions:
    """Who interacted with what: one row is one user and one item, as codes into two vocabularies.

    Make one with `from_file`, `from_frame`, `from_arrays` or `from_dataset`. Users and items are numbered by first appearance in
    the table. Rows are stored user by user, each user's from first to last by the order column, ties in row order; without an
    order column the rows of a user keep the order of the table. Of a repeated (user, item) pair only the first is kept.

    Args:
        users: `(rows,)` int32, codes into `user_ids`, never decreasing.
        items: `(rows,)` int32, codes into `item_ids`.
        user_ids: `(n_users,)` the original identifiers, all int64 or all `str` (dtype object).
        item_ids: `(n_items,)` likewise.
        ordered: whether the order within a user comes from an order column.

    Raises:
        ValueError: if the codes do not fit the vocabularies or the users are not sorted.

    Example:

    >>> table = Interactions.from_arrays(["ann", "bob", "ann"], [7, 7, 3], order=[2, 1, 1])
    >>> table.n_users, table.n_items, len(table)
    (2, 2, 3)
    >>> table.to_frame()["item"].tolist()
    [3, 7, 7]
    """

    users: np.ndarray
    items: np.ndarray
    user_ids: np.ndarray
    item_ids: np.ndarray
    ordered: bool = True

    def __post_init__(self) -> None:
        for name in ("users", "items"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)))
        for name in ("user_ids", "item_ids"):
            if not isinstance(getattr(self, name), np.ndarray):
                object.__setattr__(self, name, vocabularies.vocabulary(getattr(self, name), name))
        if self.users.shape != self.items.shape or self.users.ndim != 1:
            raise ValueError(
                "`users` and `items` must be vectors of one length. "
                f"Received: shapes {self.users.shape} and {self.items.shape}"
            )
        for name, codes, size in (("users", self.users, self.n_users), ("items", self.items, self.n_items)):
            if codes.dtype.kind not in "iu":
                raise ValueError(f"`{name}` must be integer codes. Received: dtype {codes.dtype}")
            object.__setattr__(self, name, codes.astype(np.int32, copy=False))
            if len(codes) and not 0 <= codes.min() <= codes.max() < size:
                raise ValueError(
                    f"`{name}` must be codes of the {size} identifiers. Received: {codes.min()} to {codes.max()}"
                )
        if np.any(self.users[1:] < self.users[:-1]):
            raise ValueError(
                "`users` must be sorted. Use `Interactions.from_arrays`, which sorts. Received: unsorted codes"
            )

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        user_column: str | None = None,
        item_column: str | None = None,
        order_column: ColumnChoice = None,
        separator: str | None = None,
    ) -> Interactions:
        """Reads a CSV, TSV or Parquet file; other columns of it are ignored.

        Text must be UTF-8 with a header, compressed or not, by the suffix: `.csv .tsv .tab .txt`, then `.gz .bz2 .zst .xz
        .zip`. Its identifiers become integers only if every one of a column survives that exactly, so "007" stays "007". An
        empty field is missing.

        Args:
            path: the file.
            user_column, item_column, order_column, separator: as in `from_frame`; the separator is found from the header
                unless given.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it cannot be read, and as `from_frame`.
        """
        frame, columns = read_table(path, user_column, item_column, order_column, separator)
        return cls._from_columns(frame, columns, where=f"`path` {str(path)!r}")

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        user_column: str | None = None,
        item_column: str | None = None,
        order_column: ColumnChoice = None,
    ) -> Interactions:
        """Takes a data frame; other columns of it are ignored.

        Identifiers keep their type: integers int64, anything else `str`. A column that mixes types becomes strings, with a
        warning. Rows without a user or an item are dropped, with a warning.

        Args:
            frame: one row an interaction.
            user_column, item_column: the columns of identifiers; found by the usual names (`user`, `user_id`, ...; `item`,
                `item_id`, `movie_id`, `asin`, ...) unless given.
            order_column: numbers, dates or text that says one of them; found by the usual names (`timestamp`, `time`,
                `date`, `position`, ...) unless given. False: the order of the rows.

        Raises:
            ValueError: if a column is missing, an order value is missing or cannot be read, or there are fewer than two
                users or two items.
        """
        table, columns = take_columns(frame, lambda names: find_columns(names, user_column, item_column, order_column))
        return cls._from_columns(table, columns, where="`frame`")

    @classmethod
    def from_arrays(cls, users: Any, items: Any, order: Any = None) -> Interactions:
        """Takes the identifiers of users and items, and the order, as arrays or lists of one length, `(rows,)`.

        Raises:
            ValueError: if the lengths differ, and as `from_frame`.
        """
        named = {"users": users, "items": items} | ({} if order is None else {"order": order})
        frame = {name: to_series(values, name) for name, values in named.items()}
        lengths = {name: len(values) for name, values in frame.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"`users`, `items` and `order` must have one length. Received: {lengths}")
        columns = ("users", "items", None if order is None else "order")
        return cls._from_columns(pd.DataFrame(frame), columns, where="`users`")

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        user_column: str | None = None,
        item_column: str | None = None,
        order_column: ColumnChoice = None,
    ) -> Interactions:
        """Takes a finite `tf.data.Dataset` of dictionaries, batched or not; its keys are the columns of `from_frame`.

        Raises:
            ValueError: if the dataset is infinite or its elements are not dictionaries of scalars or vectors, and as
                `from_frame`.
        """
        table, columns = dataset_columns(
            dataset, lambda names: find_columns(names, user_column, item_column, order_column)
        )
        return cls._from_columns(table, columns, where="`dataset`")

    @classmethod
    def _from_columns(cls, frame: pd.DataFrame, columns: Columns, where: str) -> Interactions:
        return cls(*encode(frame, columns, where), ordered=columns[2] is not None)

    @property
    def n_users(self) -> int:
        """The size of the user vocabulary."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """The size of the item vocabulary."""
        return len(self.item_ids)

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        return f"Interactions(rows={len(self)}, n_users={self.n_users}, n_items={self.n_items})"

    def with_rows(self, rows: Any) -> Interactions:
        """The chosen rows, in stored order, with the same vocabularies (the same codes).

        Args:
            rows: a mask, `(rows,)` bool, or row numbers in any order.

        Raises:
            ValueError: if the mask has another length.
            IndexError: if a row number is out of range.
        """
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            if chosen.shape != self.users.shape:
                raise ValueError(f"`rows` must be a mask of {len(self)} rows. Received: shape {chosen.shape}")
            mask = chosen
        else:
            if len(chosen) and chosen.dtype.kind not in "iu":
                raise ValueError(f"`rows` must be a mask or row numbers. Received: dtype {chosen.dtype}")
            mask = np.zeros(len(self), bool)
            mask[chosen.astype(np.int64)] = True
        return dataclasses.replace(self, users=self.users[mask], items=self.items[mask])

    def recode(self, user_ids: Any, item_ids: Any) -> Interactions:
        """The same rows in the codes of other vocabularies, such as those of a trained model.

        Rows whose user or item is not in the vocabularies are dropped; the others keep their order within each user. An
        integer and its text are the same identifier.

        Args:
            user_ids: `(n_users,)` the user vocabulary of the result; distinct identifiers.
            item_ids: `(n_items,)` its item vocabulary, likewise.

        Returns:
            A table with these vocabularies; the table itself if they are the ones it has.

        Raises:
            ValueError: if a vocabulary is not a vector of distinct identifiers.

        Example:

        >>> table = Interactions.from_arrays(["ann", "bob", "ann"], [7, 8, 9])
        >>> table.recode(["bob", "ann"], [9, 8]).to_frame().values.tolist()
        [['bob', 8], ['ann', 9]]
        """
        user_ids = vocabularies.vocabulary(user_ids, "user_ids")
        item_ids = vocabularies.vocabulary(item_ids, "item_ids")
        if vocabularies.same(user_ids, self.user_ids) and vocabularies.same(item_ids, self.item_ids):
            return self
        users = vocabularies.positions(pd.Index(user_ids), self.user_ids)[self.users]
        items = vocabularies.positions(pd.Index(item_ids), self.item_ids)[self.items]
        known = np.flatnonzero((users >= 0) & (items >= 0))
        rows = known[np.argsort(users[known], kind="stable")]
        return Interactions(users[rows], items[rows], user_ids, item_ids, self.ordered)

    def append(self, other: Interactions) -> Interactions:
        """This table followed by a later one, whose users and items may be new.

        Identifiers of this table keep their codes; new ones are numbered after them. The rows that `other` adds to a user
        come after the user's rows here, and a pair that is here already is not repeated. Where one table has integers and
        the other text, the result has the kind of this table if every identifier of the other survives that exactly, and
        otherwise text, with a warning.

        Args:
            other: the later interactions.

        Returns:
            A table of both.

        Example:

        >>> january = Interactions.from_arrays(["ann", "bob"], [7, 8])
        >>> february = Interactions.from_arrays(["cid", "ann"], [7, 9])
        >>> both = january.append(february)
        >>> both.to_frame().values.tolist()
        [['ann', 7], ['ann', 9], ['bob', 8], ['cid', 7]]
        >>> both.user_ids.tolist()
        ['ann', 'bob', 'cid']
        """
        user_ids, users = vocabularies.union(self.user_ids, other.user_ids, "user")
        item_ids, items = vocabularies.union(self.item_ids, other.item_ids, "item")
        rows = in_stored_order(
            np.concatenate([self.users, users[other.users]]),
            np.concatenate([self.items, items[other.items]]),
            len(item_ids),
            None,
        )
        return Interactions(*rows, user_ids, item_ids, self.ordered and other.ordered)

    def codes_of(self, user_ids: Any) -> np.ndarray:
        """The codes of user identifiers, `(n,)` int32; -1 for an unknown one. Integers may be given as text and vice versa."""
        return vocabularies.lookup(self._user_index, user_ids, "user_ids")

    def item_codes_of(self, item_ids: Any) -> np.ndarray:
        """The codes of item identifiers, `(n,)` int32; -1 for an unknown one. Integers may be given as text and vice versa."""
        return vocabularies.lookup(self._item_index, item_ids, "item_ids")

    @functools.cached_property
    def _user_index(self) -> pd.Index:
        return pd.Index(self.user_ids)

    @functools.cached_property
    def _item_index(self) -> pd.Index:
        return pd.Index(self.item_ids)

    def popularity(self) -> np.ndarray:
        """The number of interactions of every item, `(n_items,)` int64."""
        return np.bincount(self.items, minlength=self.n_items)

    def activity(self) -> np.ndarray:
        """The number of interactions of every user, `(n_users,)` int64."""
        return np.bincount(self.users, minlength=self.n_users)

    def keys(self) -> np.ndarray:
        """`user * n_items + item` of every row, `(rows,)` int64, sorted; for tests of membership by binary search."""
        return np.sort(self.users.astype(np.int64) * self.n_items + self.items)

    def csr(self) -> tuple[np.ndarray, np.ndarray]:
        """The items of every user, sorted, as `(indptr, indices)`: those of user u are `indices[indptr[u]:indptr[u + 1]]`.

        Both are int64, `(n_users + 1,)` and `(rows,)`.
        """
        return np.concatenate([[0], np.cumsum(self.activity())]), self.keys() % self.n_items

    def fingerprint(self) -> str:
        """A hash of rows and vocabularies, 32 hexadecimal digits: equal tables have equal ones, on any machine."""
        digest = hashlib.blake2b(digest_size=16)
        for codes in (self.users, self.items):
            digest.update(np.ascontiguousarray(codes, dtype="<i4").tobytes())
        for ids in (self.user_ids, self.item_ids):
            digest.update(json.dumps(ids.tolist()).encode())
        return digest.hexdigest()

    def to_frame(self) -> pd.DataFrame:
        """The rows as a data frame of original identifiers, columns `user` and `item`, in stored order."""
        return pd.DataFrame({"user": self.user_ids[self.users], "item": self.item_ids[self.items]})
