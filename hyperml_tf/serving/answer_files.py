"""Answers for all users or items, batch by batch, and files of them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from hyperml_tf._argument_checks import as_path, check_callable, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import ItemTable
from hyperml_tf.files.whole import whole_file
from hyperml_tf.models import DistanceIndex, MetricRecommender
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.retrieval.results import Neighbours, Recommendations
from hyperml_tf.tables.ids import id_array

Answer = Neighbours | Recommendations

FORMATS = (".parquet", ".csv", ".jsonl")
"""Suffixes of the files that can be written."""

BATCH_SIZE = 1024
"""Default number of users or items that are answered at a time."""


@names_arguments
def recommend_in_batches(
    model: Recommender,
    users: Any = None,
    k: int = 10,
    *,
    items: ItemTable | None = None,
    exclude_seen: bool = True,
    include: Any = None,
    exclude: Any = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[tuple[np.ndarray, Answer]]:
    """Recommends to many users, a batch at a time, so that memory is bounded whatever their number.

    Args:
        model: A trained model.
        users: Raw user ids. Defaults to `None`, all users of the model.
        k: Integer >= 1, number of items per user. Defaults to `10`.
        items: Optional `ItemTable`, whose columns come beside the ids. Defaults to `None`.
        exclude_seen: Boolean, whether to exclude the items of each user's history. Defaults to `True`.
        include: The only items that may be recommended, one list of raw ids for all users. Defaults to `None`, all items.
        exclude: Items that are not recommended, likewise. Defaults to `None`, none.
        batch_size: Integer >= 1, number of users at a time. Defaults to `1024`.

    Yields:
        The ids of a batch of users, `(batch,)`, and what `model.recommend` returns for them.

    Raises:
        ValueError: As `model.recommend`.

    Example:

    >>> from hyperml_tf import HyperML
    >>> model = HyperML(["ann", "bob", "eve"], ["a", "b", "c"], dim=4, history=0)
    >>> [users.tolist() for users, answer in recommend_in_batches(model, k=2, batch_size=2)]
    [['ann', 'bob'], ['eve']]
    """
    # The points of the catalogue are computed once.
    source = DistanceIndex(model) if isinstance(model, MetricRecommender) else model
    ids = model.query_lookup.ids if users is None else id_array(users, "users")
    for part in _parts(ids, batch_size):
        answer = source.recommend(part, k, exclude_seen, include, exclude)
        yield part, answer if items is None else items.describe(answer)


@names_arguments
def recommend_to_file(
    model: Recommender,
    path: str | os.PathLike[str],
    users: Any = None,
    k: int = 10,
    *,
    items: ItemTable | None = None,
    progress: Callable[[int], Any] | None = None,
    **options: Any,
) -> int:
    """Writes recommendations for all users to a file with one row per user and item, which appears when it is complete.

    Its columns are `user`, `rank` from 1, `item`, `distance` (`score` for models without distances), and those of `items`. If
    fewer than `k` items are left for a user, there are fewer rows.

    Args:
        model: A trained model.
        path: Path of the file, whose suffix decides its format: `.parquet`, `.csv`, or `.jsonl` with one JSON object per line.
        users: Raw user ids. Defaults to `None`, all users of the model.
        k: Integer >= 1, number of items per user. Defaults to `10`.
        items: Optional `ItemTable`, whose columns come beside the ids. Defaults to `None`.
        progress: Optional function that is called with the number of users after each batch. Defaults to `None`.
        **options: `exclude_seen`, `include`, `exclude` and `batch_size` of `recommend_in_batches`.

    Returns:
        The number of rows.

    Raises:
        ValueError: If the suffix is another one, and as `model.recommend`.

    Example:

    >>> from hyperml_tf import HyperML
    >>> model = HyperML(["ann", "bob"], ["a", "b", "c"], dim=4, history=0)
    >>> recommend_to_file(model, "runs/recommendations.csv", k=2)
    4
    >>> Path("runs/recommendations.csv").read_text().splitlines()[0]
    '"user","rank","item","distance"'
    """
    check_format(path)
    return _write(path, recommend_in_batches(model, users, k, **options), ("user", "item"), items, progress)


@names_arguments
def similar_in_batches(
    model: MetricRecommender,
    ids: Any = None,
    k: int = 10,
    *,
    items: ItemTable | None = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[tuple[np.ndarray, Neighbours]]:
    """Finds the items nearest to each of many items, a batch at a time.

    Args:
        model: A trained model.
        ids: Raw item ids. Defaults to `None`, the whole catalogue.
        k: Integer >= 1, number of neighbours. Defaults to `10`.
        items: Optional `ItemTable`, whose columns come beside the ids. Defaults to `None`.
        batch_size: Integer >= 1, number of items at a time. Defaults to `1024`.

    Yields:
        The ids of a batch of items, `(batch,)`, and what `model.similar_items` returns for them.

    Raises:
        ValueError: As `model.similar_items`.

    Example:

    >>> from hyperml_tf import HyperML
    >>> model = HyperML(["ann"], ["a", "b", "c"], dim=4, history=0)
    >>> [answer.ids.shape for _, answer in similar_in_batches(model, k=2)]
    [(3, 2)]
    """
    index = DistanceIndex(model)
    for part in _parts(model.candidate_lookup.ids if ids is None else id_array(ids, "ids"), batch_size):
        answer = index.similar_items(part, k)
        yield part, answer if items is None else items.describe(answer)


@names_arguments
def similar_to_file(
    model: MetricRecommender,
    path: str | os.PathLike[str],
    ids: Any = None,
    k: int = 10,
    *,
    items: ItemTable | None = None,
    progress: Callable[[int], Any] | None = None,
    **options: Any,
) -> int:
    """Writes the items nearest to each item to a file, which appears when it is complete.

    Its columns are `item`, `rank` from 1, `similar_item`, `distance`, and those of `items`, which describe the similar item.

    Args:
        model: A trained model.
        path: Path of the file, whose suffix decides its format, see `recommend_to_file`.
        ids: Raw item ids. Defaults to `None`, the whole catalogue.
        k: Integer >= 1, number of neighbours. Defaults to `10`.
        items: Optional `ItemTable`, whose columns come beside the ids. Defaults to `None`.
        progress: Optional function that is called with the number of items after each batch. Defaults to `None`.
        **options: `batch_size` of `similar_in_batches`.

    Returns:
        The number of rows.

    Raises:
        ValueError: If the suffix is another one, and as `model.similar_items`.

    Example:

    >>> from hyperml_tf import HyperML
    >>> similar_to_file(HyperML(["ann"], ["a", "b", "c"], dim=4, history=0), "runs/similar.jsonl", k=1)
    3
    """
    check_format(path)
    return _write(path, similar_in_batches(model, ids, k, **options), ("item", "similar_item"), items, progress)


def check_format(path: str | os.PathLike[str]) -> None:
    """Raises a `ValueError` if the suffix of a path is none of `FORMATS`, before anything is computed."""
    if as_path(path=path).suffix.lower() not in FORMATS:
        raise ValueError(f"`path` must end in one of {', '.join(FORMATS)}. Received: {str(path)!r}")


def _parts(ids: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    size = count(batch_size=batch_size)
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _write(
    path: str | os.PathLike[str],
    batches: Iterator[tuple[np.ndarray, Answer]],
    names: tuple[str, str],
    items: ItemTable | None,
    progress: Callable[[int], Any] | None,
) -> int:
    """Writes batches while the next ones are computed, and returns the number of rows."""
    if progress is not None:
        check_callable(progress=progress)
    rows = 0
    with whole_file(path) as scratch, _Appending(scratch, names, items) as append, ThreadPoolExecutor(1) as worker:
        pending: tuple[int, Future[int]] | None = None
        for ids, answer in batches:
            rows += _done(pending, progress)
            pending = len(ids), worker.submit(append, ids, answer)
        rows += _done(pending, progress)
    return rows


def _done(pending: tuple[int, Future[int]] | None, progress: Callable[[int], Any] | None) -> int:
    """Waits for a batch to be written, and returns the number of its rows. An error of the writing thread is raised here."""
    if pending is None:
        return 0
    queries, written = pending
    rows = written.result()
    if progress is not None:
        progress(queries)
    return rows


class _Appending(contextlib.ExitStack):
    """Appends answers to a file, whose columns are those of the first one."""

    def __init__(self, path: Path, names: tuple[str, str], items: ItemTable | None) -> None:
        super().__init__()
        self._path, self._names, self._items = path, names, items
        self._append: Callable[[pa.Table], None] | None = None

    def __call__(self, ids: np.ndarray, answer: Answer) -> int:
        table = _table(ids, answer if self._items is None else self._items.describe(answer), *self._names)
        if self._append is None:
            self._append = self.enter_context(_writer(self._path, table.schema))
        self._append(table)
        return len(table)


def _table(queries: np.ndarray, answer: Answer, query: str, found: str) -> pa.Table:
    """One row for each item of an answer."""
    there = answer.found
    owners, ranks = np.nonzero(there)
    ids, values = answer
    columns = {
        query: pa.array(queries[owners]),
        "rank": pa.array((ranks + 1).astype(np.int32)),
        found: pa.array(ids[there]),
        "distance" if isinstance(answer, Neighbours) else "score": pa.array(values[there]),
    }
    # Batches without rows have no value to tell the type by.
    return pa.table(
        {
            name: column.cast(pa.string()) if pa.types.is_null(column.type) else column
            for name, column in columns.items()
        }
        | {name: pa.array(texts[there], pa.string()) for name, texts in answer.details.items()}
    )


@contextlib.contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Yields a function that appends a table to a file."""
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as file:
            yield lambda table: file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())
    else:
        kind = pyarrow.parquet.ParquetWriter if suffix == ".parquet" else pyarrow.csv.CSVWriter
        with kind(path, schema) as writer:
            yield writer.write_table
