"""A table of implicit feedback as integer codes."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import vocabularies
from hyperml_tf.data.columns import Columns, choose_columns
from hyperml_tf.data.direction import direction
from hyperml_tf.data.encoding import encode
from hyperml_tf.data.origin import Origin
from hyperml_tf.data.reading import read_table
from hyperml_tf.data.row_order import in_stored_order
from hyperml_tf.data.table_hash import blocks_of, table_hash
from hyperml_tf.data.table_options import ColumnChoice, EventWeights, Repeats, TableOptions
from hyperml_tf.data.tabular import dataset_columns, take_columns, to_series


@names_arguments
@dataclasses.dataclass(frozen=True, eq=False)
class Interactions:
    """A table of user-item interactions, one pair per row, as integer codes into two vocabularies.

    Create one with `from_file`, `from_frame`, `from_arrays` or `from_dataset`. These number users and items by first
    appearance, sort the rows by user and then by the order column (ties, and tables without an order column, keep the order
    of the input), and keep one row of each (user, item) pair. Rows may have weights, by which they count in the loss.

    Args:
        users: `(rows,)` int32, codes into `user_ids`, sorted.
        items: `(rows,)` int32, codes into `item_ids`.
        user_ids: `(n_users,)` the original identifiers: all int64, or all `str` (dtype object).
        item_ids: `(n_items,)` the same for items.
        ordered: whether the rows of each user are sorted by an order column. Defaults to True.
        weights: `(rows,)` float32, finite and >= 0: a row of weight 2 counts in the loss as if it were there twice. Defaults to
            None, all rows have weight 1.
        origin: what the rows were read from, an `Origin`. Defaults to None, unknown.
        times: `(rows,)` the values of the order column, or numbers that sort as they do: Unix times for dates. Defaults to None,
            unknown.

    Raises:
        ValueError: if the codes do not fit the vocabularies, `users` is not sorted, or a weight is negative or not finite.

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
    weights: np.ndarray | None = None
    origin: Origin | None = None
    times: np.ndarray | None = None

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
            raise ValueError("`users` must be sorted, as by `Interactions.from_arrays`. Received: unsorted codes")
        if self.weights is not None:
            object.__setattr__(self, "weights", self._checked_weights())
        if self.times is not None and np.shape(self.times) != self.users.shape:
            raise ValueError(
                f"`times` must be one number per row, of {len(self)} rows. Received: shape {np.shape(self.times)}"
            )

    def _checked_weights(self) -> np.ndarray:
        weights = np.asarray(self.weights)
        if weights.shape != self.users.shape or weights.dtype.kind not in "fiu":
            raise ValueError(
                f"`weights` must be one number per row, of {len(self)} rows. "
                f"Received: shape {weights.shape}, dtype {weights.dtype}"
            )
        weights = weights.astype(np.float32, copy=False)
        if not np.all((weights >= 0) & (weights < np.inf)):
            raise ValueError(f"`weights` must be finite and >= 0. Received: {weights.min()} to {weights.max()}")
        return weights

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        user_column: str | None = None,
        item_column: str | None = None,
        order_column: ColumnChoice = None,
        separator: str | None = None,
        repeats: Repeats | None = None,
        *,
        event_column: ColumnChoice = None,
        event_weights: EventWeights = None,
        weight_column: ColumnChoice = None,
        rating_column: ColumnChoice = None,
        min_rating: float | None = None,
        columns: Sequence[str] | str | None = None,
        partial: bool = False,
    ) -> Interactions:
        """Reads interactions from CSV, TSV, JSON Lines or Parquet. Only the columns that are used are loaded.

        Text must be UTF-8. An identifier column of text files becomes integers only if that changes none of its identifiers, so
        a column with "007" stays text. Empty fields are missing values.

        Args:
            path: a file that ends in `.parquet` or `.pq`; in `.csv`, `.tsv`, `.tab`, `.txt`, `.data`, `.dat` or `.inter`; or in
                `.jsonl` or `.ndjson`. Text and JSON Lines may be compressed, with `.gz`, `.bz2`, `.zst`, `.xz` or `.zip`
                appended. Or several files with the same columns, whose rows follow one another in the order of their names: a
                folder, or a pattern such as `"events-*.csv"`.
            user_column: see `from_frame`.
            item_column: see `from_frame`.
            order_column: see `from_frame`.
            separator: the character between the fields of a text file, or "::". Detected from the first line by default.
            repeats: see `from_frame`.
            event_column: see `from_frame`.
            event_weights: see `from_frame`.
            weight_column: see `from_frame`.
            rating_column: see `from_frame`.
            min_rating: see `from_frame`.
            columns: the names of the columns of text files without a header line, such as `"user,item,rating,timestamp"`.
                Defaults to None: the first line is the header.
            partial: see `from_frame`.

        Returns:
            The interactions.

        Raises:
            FileNotFoundError: if the file does not exist.
            ValueError: if the file cannot be read, and as `from_frame`.

        Example:

        >>> from pathlib import Path
        >>> _ = Path("ratings.csv").write_text("user,item,rating,timestamp\\nann,7,5,20\\nbob,7,3,10\\nann,3,4,10\\n")
        >>> Interactions.from_file("ratings.csv", min_rating=3).to_frame()["item"].tolist()
        [3, 7, 7]
        """
        options = TableOptions(
            user_column=user_column,
            item_column=item_column,
            order_column=order_column,
            repeats=repeats,
            event_column=event_column,
            event_weights=event_weights,
            weight_column=weight_column,
            rating_column=rating_column,
            min_rating=min_rating,
            partial=partial,
        )
        frame, found = read_table(path, lambda names: choose_columns(names, options), separator, columns)
        return cls._from_columns(frame, found, f"`path` {str(path)!r}", options, str(path))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        user_column: str | None = None,
        item_column: str | None = None,
        order_column: ColumnChoice = None,
        repeats: Repeats | None = None,
        *,
        event_column: ColumnChoice = None,
        event_weights: EventWeights = None,
        weight_column: ColumnChoice = None,
        rating_column: ColumnChoice = None,
        min_rating: float | None = None,
        partial: bool = False,
    ) -> Interactions:
        """Converts a data frame. Other columns are ignored; those that look as if they were meant are a warning.

        Integer identifiers become int64, all others `str`; a column of mixed types becomes `str`, with a warning. Rows
        without a user or an item are dropped, with a warning.

        Args:
            frame: a pandas DataFrame with one row per interaction, or a table of another library that supports the Arrow
                PyCapsule interface, such as polars, DuckDB or pyarrow, or the data frame interchange protocol.
            user_column: the name of the column of user identifiers. By default the column is detected by common names:
                `user`, `user_id`, `customer_id`, ...
            item_column: the same for items: `item`, `item_id`, `movie_id`, `asin`, ...
            order_column: the name of the column that orders the interactions of a user: numbers, dates, or text that
                holds either. By default it is detected by common names (`timestamp`, `time`, `date`, `position`, ...), and
                without such a column the rows keep their order. False ignores such a column.
            repeats: what becomes of the rows of one user and one item: "first" or "last" keeps one of them, in the order of the
                user; "sum" keeps the last, with the sum of their weights. Defaults to "sum" with `event_weights` or
                `weight_column`, otherwise "first".
            event_column: the name of the column of kinds of events, such as views and purchases. By default it is detected by
                common names (`event`, `event_type`, `action`, ...) if `event_weights` are given. False: there is none, and no
                warning that one is not used.
            event_weights: the weight of each kind of event, `{"purchase": 4, "cart": 2, "view": 1}` or
                `"purchase=4,cart=2,view=1"`. Rows of kinds with weight 0 are dropped. Defaults to None, kinds are not told
                apart.
            weight_column: the name of a column of weights, finite numbers >= 0, such as quantities or numbers of plays. They are
                multiplied by the weights of events; rows with weight 0 are dropped. Defaults to None, all weights are 1. False:
                as for `event_column`.
            rating_column: the name of the column of ratings. By default it is detected by common names (`rating`, `stars`,
                `score`, ...) if `min_rating` is given. False: as for `event_column`.
            min_rating: rows with a lower rating, or without one, are dropped, with a warning. Defaults to None, all count.
            partial: whether the rows are a part of a table, such as those of a day, which may be of a single user or item.
                Defaults to False.

        Returns:
            The interactions.

        Raises:
            ValueError: if a column is missing, an identifier is not an integer or text, an order value is missing or
                cannot be parsed, a weight or a rating is not a number, a kind of event has no weight, or there are fewer than
                two users or two items, if the table is not partial.

        Example:

        >>> frame = pd.DataFrame({"user": ["ann", "bob", "ann"], "item": [7, 7, 3], "timestamp": [2, 1, 1]})
        >>> Interactions.from_frame(frame).to_frame()["item"].tolist()
        [3, 7, 7]
        >>> frame["event"] = ["purchase", "view", "view"]
        >>> Interactions.from_frame(frame, event_weights={"purchase": 4, "view": 1}).weights.tolist()
        [1.0, 4.0, 1.0]
        """
        options = TableOptions(
            user_column=user_column,
            item_column=item_column,
            order_column=order_column,
            repeats=repeats,
            event_column=event_column,
            event_weights=event_weights,
            weight_column=weight_column,
            rating_column=rating_column,
            min_rating=min_rating,
            partial=partial,
        )
        table, found = take_columns(frame, lambda names: choose_columns(names, options))
        return cls._from_columns(table, found, "`frame`", options, "a data frame")

    @classmethod
    def from_arrays(
        cls,
        users: Any,
        items: Any,
        order: Any = None,
        repeats: Repeats | None = None,
        weights: Any = None,
        *,
        partial: bool = False,
    ) -> Interactions:
        """Converts vectors: lists, iterators, numpy arrays, tensors, or the series of pandas and other libraries.

        Args:
            users: `(rows,)` user identifiers.
            items: `(rows,)` item identifiers.
            order: `(rows,)` numbers or dates that order the interactions of a user. Defaults to None, the order given.
            repeats: see `from_frame`.
            weights: `(rows,)` finite numbers >= 0, see `weight_column` of `from_frame`. Defaults to None, all are 1.
            partial: see `from_frame`.

        Returns:
            The interactions.

        Raises:
            ValueError: if the lengths differ, and as `from_frame`.
        """
        for name, values in (("users", users), ("items", items)):
            if values is None:
                raise ValueError(f"`{name}` must be a vector of ids. Received: {name}=None")
        vectors = {"users": users, "items": items, "order": order, "weights": weights}
        frame = {name: to_series(values, name) for name, values in vectors.items() if values is not None}
        lengths = {name: len(values) for name, values in frame.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"`users`, `items`, `order` and `weights` must have one length. Received: {lengths}")
        options = TableOptions(repeats=repeats, weight_column=None if weights is None else "weights", partial=partial)
        columns = Columns("users", "items", None if order is None else "order", weight=options.weight_column)
        return cls._from_columns(pd.DataFrame(frame), columns, "`users`", options, "arrays")

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        user_column: str | None = None,
        item_column: str | None = None,
        order_column: ColumnChoice = None,
        repeats: Repeats | None = None,
        *,
        event_column: ColumnChoice = None,
        event_weights: EventWeights = None,
        weight_column: ColumnChoice = None,
        rating_column: ColumnChoice = None,
        min_rating: float | None = None,
    ) -> Interactions:
        """Converts a finite `tf.data.Dataset` of dictionaries, batched or not. Its keys are the column names.

        Args:
            dataset: the dataset. Its values are scalars or, if it is batched, vectors.
            user_column: see `from_frame`.
            item_column: see `from_frame`.
            order_column: see `from_frame`.
            repeats: see `from_frame`.
            event_column: see `from_frame`.
            event_weights: see `from_frame`.
            weight_column: see `from_frame`.
            rating_column: see `from_frame`.
            min_rating: see `from_frame`.

        Returns:
            The interactions.

        Raises:
            ValueError: if the dataset is infinite, or its elements are not dictionaries of scalars or vectors, and as
                `from_frame`.

        Example:

        >>> import tensorflow as tf
        >>> dataset = tf.data.Dataset.from_tensor_slices({"user_id": ["ann", "bob", "ann"], "item_id": [7, 7, 3]})
        >>> Interactions.from_dataset(dataset)
        Interactions(rows=3, n_users=2, n_items=2)
        """
        options = TableOptions(
            user_column=user_column,
            item_column=item_column,
            order_column=order_column,
            repeats=repeats,
            event_column=event_column,
            event_weights=event_weights,
            weight_column=weight_column,
            rating_column=rating_column,
            min_rating=min_rating,
        )
        table, found = dataset_columns(dataset, lambda names: choose_columns(names, options))
        return cls._from_columns(table, found, "`dataset`", options, "a dataset")

    @classmethod
    def _from_columns(
        cls, frame: pd.DataFrame, columns: Columns, where: str, options: TableOptions, table: str
    ) -> Interactions:
        rows, origin = encode(frame, columns, where, options, table)
        ids = rows.user_ids, rows.item_ids
        return cls(rows.users, rows.items, *ids, columns.order is not None, rows.weights, origin, rows.times)

    @property
    def n_users(self) -> int:
        """The number of users in the vocabulary."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """The number of items in the vocabulary."""
        return len(self.item_ids)

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        return f"Interactions(rows={len(self)}, n_users={self.n_users}, n_items={self.n_items})"

    def with_rows(self, rows: Any) -> Interactions:
        """Selects rows. The vocabularies, and so the codes, stay the same.

        Args:
            rows: a boolean mask, `(rows,)`, or row numbers in any order.

        Returns:
            The selected rows, in the order of this table.

        Raises:
            ValueError: if a mask has the wrong length, or `rows` is neither a mask nor integers.
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
        weights, times = (None if values is None else values[mask] for values in (self.weights, self.times))
        return dataclasses.replace(self, users=self.users[mask], items=self.items[mask], weights=weights, times=times)

    def recode(self, user_ids: Any, item_ids: Any) -> Interactions:
        """Expresses the rows in the codes of other vocabularies, such as those of a trained model.

        Rows whose user or item is not in the vocabularies are dropped. The others keep their order within each user. An
        integer and its decimal text are the same identifier.

        Args:
            user_ids: `(n_users,)` the user vocabulary of the result, distinct identifiers.
            item_ids: `(n_items,)` the item vocabulary of the result, distinct identifiers.

        Returns:
            A table with these vocabularies; this table itself if it has them already.

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
        weights, times = (None if values is None else values[rows] for values in (self.weights, self.times))
        return Interactions(users[rows], items[rows], user_ids, item_ids, self.ordered, weights, times=times)

    def append(self, other: Interactions, repeats: Repeats = "first") -> Interactions:
        """Appends later interactions, which may have new users and items.

        The identifiers of this table keep their codes, and new ones follow. For each user, the rows of `other` come after the
        rows of this table. If identifiers are integers in one table and
        text in the other, those of `other` are converted to the type of this table; where that is not possible without
        changing one, all become text, with a warning.

        Args:
            other: the later interactions.
            repeats: what becomes of pairs that this table has already: "first" drops the later rows, "last" the earlier ones;
                "sum" keeps the later ones, with the sum of the weights. Defaults to "first".

        Returns:
            A table of the rows of both.

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
        both = self.users, users[other.users]
        weighted = self.weights is not None or other.weights is not None
        all_users, all_items, weights, _ = in_stored_order(
            np.concatenate(both),
            np.concatenate([self.items, items[other.items]]),
            len(item_ids),
            None,
            repeats,
            np.concatenate([self.row_weights(), other.row_weights()]) if weighted else None,
        )
        return Interactions(all_users, all_items, user_ids, item_ids, self.ordered and other.ordered, weights)

    def row_weights(self) -> np.ndarray:
        """Returns the weights of the rows, `(rows,)` float32, also where all are 1."""
        return np.ones(len(self), np.float32) if self.weights is None else self.weights

    def codes_of(self, user_ids: Any) -> np.ndarray:
        """Looks up user identifiers.

        Args:
            user_ids: `(n,)` identifiers. An integer and its decimal text are the same identifier.

        Returns:
            Their codes, `(n,)` int32; -1 for unknown or missing ones.

        Raises:
            ValueError: if `user_ids` is not a vector of identifiers.

        Example:

        >>> Interactions.from_arrays(["ann", "bob"], [7, 3]).codes_of(["bob", "cid"]).tolist()
        [1, -1]
        """
        return vocabularies.lookup(self._user_index, user_ids, "user_ids")

    def item_codes_of(self, item_ids: Any) -> np.ndarray:
        """Looks up item identifiers, as `codes_of` does for users."""
        return vocabularies.lookup(self._item_index, item_ids, "item_ids")

    @functools.cached_property
    def _user_index(self) -> pd.Index:
        return pd.Index(self.user_ids)

    @functools.cached_property
    def _item_index(self) -> pd.Index:
        return pd.Index(self.item_ids)

    def popularity(self) -> np.ndarray:
        """Counts the interactions of each item, `(n_items,)` int64."""
        return np.bincount(self.items, minlength=self.n_items)

    def activity(self) -> np.ndarray:
        """Counts the interactions of each user, `(n_users,)` int64."""
        return np.bincount(self.users, minlength=self.n_users)

    def keys(self) -> np.ndarray:
        """Returns `user * n_items + item` for each row, sorted, `(rows,)` int64. Binary search in it tests for membership."""
        return np.sort(self.users.astype(np.int64) * self.n_items + self.items)

    def csr(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the items of each user in compressed sparse row format.

        Returns:
            `(indptr, indices)`, int64, `(n_users + 1,)` and `(rows,)`. The items of user `u` are
            `indices[indptr[u]:indptr[u + 1]]`, sorted.
        """
        return np.concatenate([[0], np.cumsum(self.activity())]), self.keys() % self.n_items

    def direction(self) -> float:
        """Returns how much the order of rows says about what comes next, see `hyperml_tf.data.direction`; 0 without an order."""
        return direction(self.users, self.items, self.n_items) if self.ordered else 0.0

    def fingerprint(self) -> str:
        """Hashes rows, weights and vocabularies to 32 hexadecimal digits. Equal tables have equal hashes on every machine."""
        vocabularies = (blocks_of(ids) for ids in (self.user_ids, self.item_ids))
        return table_hash(self.users, self.items, vocabularies, self.weights)

    def to_frame(self) -> pd.DataFrame:
        """Returns the rows as a DataFrame of the original identifiers: `user`, `item`, and `weight` if they have weights."""
        frame = pd.DataFrame({"user": self.user_ids[self.users], "item": self.item_ids[self.items]})
        return frame if self.weights is None else frame.assign(weight=self.weights)
