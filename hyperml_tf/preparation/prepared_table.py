"""A table that `prepare` wrote: read as a whole, shard by shard, or as batches for training."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.interactions import Interactions
from hyperml_tf.data.splits import Split
from hyperml_tf.preparation.manifest import ITEMS, SHARDS, USERS, Manifest
from hyperml_tf.preparation.shard_file import TEST, TRAIN, VALIDATION, Shard, read_shard

if TYPE_CHECKING:
    from hyperml_tf.data.pipelines import Dataset, Progress

# Bytes per row and per identifier that training on an `Interactions` takes at its peak, see docs/large_tables.md.
_PER_ROW, _PER_ID = 120, 120


@names_arguments
@dataclasses.dataclass(frozen=True)
class PreparedTable:
    """A table that `prepare` wrote.

    It has the codes, the order and the split of the table. Its rows are in shards, each of which has all rows of consecutive
    users, so that whoever reads a shard knows the whole history of its users and of nobody else.

    Args:
        path: Path of the directory. To check that it holds a prepared table, use `PreparedTable.open`.
        manifest: What is known of the table.

    Example:

    >>> from pathlib import Path
    >>> from hyperml_tf.preparation import prepare
    >>> _ = Path("events.csv").write_text("user,item\\nann,7\\nbob,7\\nann,3\\nann,4\\nbob,9\\n")
    >>> _ = prepare("events.csv", "events")
    >>> table = PreparedTable.open("events")
    >>> table.n_users, table.n_items, len(table)
    (2, 4, 5)
    """

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> PreparedTable:
        """Opens a directory.

        Args:
            path: Path of the directory.

        Raises:
            FileNotFoundError: If there is no prepared table, or a file of it is missing.
            ValueError: If its manifest is damaged, or that of another version.
        """
        table = cls(Path(path), Manifest.load(Path(path)))
        for name in (USERS, ITEMS, *(f"{SHARDS}/{shard.file}" for shard in table.shards)):
            if not (table.path / name).is_file():
                raise FileNotFoundError(f"`{path}` must be a whole prepared table. Received: no {name} in it")
        return table

    @property
    def shards(self) -> tuple[Shard, ...]:
        """What is known of the files of the rows, in the order of the codes of their users."""
        return self.manifest.shards

    @property
    def n_users(self) -> int:
        """The number of users."""
        return self.manifest.n_users

    @property
    def n_items(self) -> int:
        """The number of items."""
        return self.manifest.n_items

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the table, that of `Interactions.fingerprint`."""
        return self.manifest.fingerprint

    def __len__(self) -> int:
        return self.manifest.total("rows")

    def __repr__(self) -> str:
        return (
            f"PreparedTable({str(self.path)!r}, rows={len(self)}, n_users={self.n_users}, n_items={self.n_items}, "
            f"shards={len(self.shards)}, split={self.manifest.split!r})"
        )

    @property
    def bytes_in_memory(self) -> int:
        """About the memory that training takes if the whole table is loaded, besides the weights of the model."""
        return _PER_ROW * len(self) + _PER_ID * (self.n_users + self.n_items)

    @functools.cached_property
    def vocabulary(self) -> Interactions:
        """The vocabularies of the table, as an `Interactions` without rows."""
        nothing = np.zeros(0, np.int32)
        users, items = (_as_numpy(ids) for ids in self.id_columns())
        return Interactions(nothing, nothing, users, items, self.manifest.ordered, origin=self.manifest.origin)

    def id_columns(self) -> tuple[Any, Any]:
        """Returns the ids of users and of items as Arrow arrays, a fraction of the size of those in `vocabulary`."""
        users, items = (
            pyarrow.parquet.read_table(self.path / name, columns=["id"]).column(0) for name in (USERS, ITEMS)
        )
        return users, items

    @property
    def training(self) -> TrainingRows:
        """The rows to train on, which stay on the disk, for `HyperML.from_interactions`."""
        return TrainingRows(self)

    def popularity(self) -> np.ndarray:
        """Returns the number of training rows of each item, `(n_items,)` int64."""
        column = pyarrow.parquet.read_table(self.path / ITEMS, columns=["train_rows"]).column(0)
        return column.to_numpy()

    def interactions(self) -> Interactions:
        """Loads the whole table, for tables that fit into memory.

        Returns:
            An `Interactions`, equal to that of `Interactions.from_file` of the table.
        """
        users, items, _, weights = self._columns(range(len(self.shards)))
        return self._rows(users, items, weights)

    def split(self) -> Split:
        """Loads the whole table, split as it was prepared.

        Returns:
            A `Split`.

        Raises:
            ValueError: If it was prepared with `split="none"`.
        """
        return self._split(*self._columns(range(len(self.shards))))

    def shard_split(self, number: int) -> Split:
        """Loads a shard, split as it was prepared.

        Args:
            number: Integer, the place of the shard in `shards`.

        Returns:
            A `Split` in the codes of the whole table.

        Raises:
            ValueError: If it was prepared with `split="none"`.
        """
        return self._split(*self._columns([number]))

    def shard_rows(self, number: int) -> Interactions:
        """Loads a shard.

        Args:
            number: Integer, the place of the shard in `shards`.

        Returns:
            An `Interactions` in the codes of the whole table.
        """
        users, items, _, weights = self._columns([number])
        return self._rows(users, items, weights)

    def histories(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the items of all users from the oldest to the newest, in CSR format: 8 bytes per user and 4 per row.

        Returns:
            `(indptr, items)`: those of user `u` are `items[indptr[u]:indptr[u + 1]]`.
        """
        indptr, items, start = np.zeros(self.n_users + 1, np.int64), np.empty(len(self), np.int32), 0
        for columns in self._each():
            users, rows = columns["user"], len(columns["user"])
            items[start : start + rows] = columns["item"]
            counts = np.bincount(users - users[0])
            indptr[users[0] + 1 : users[0] + 1 + len(counts)] = counts
            start += rows
        return np.cumsum(indptr, out=indptr), items

    def dataset(
        self,
        batch_size: int,
        *,
        before: int | None = None,
        after: int = 0,
        run: int = 8,
        reorder: bool = False,
        trim: bool = False,
        known: int | None = 64,
        shard: tuple[int, int] = (0, 1),
        open_shards: int = 4,
        seed: int = 0,
        progress: Progress | None = None,
        all_parts: bool = False,
        service: bool = False,
    ) -> Dataset:
        """Creates a dataset of batches for `fit`, which reads a few shards at a time.

        One iteration is one epoch: every training row of the shards occurs once. The shards are read in a random order,
        `open_shards` of them together, whose rows are shuffled. Every row carries items of its user that are never negatives for
        it, under `"known"`, and the number of items of the user, under `"count"`, so that `fit` needs no histories in the model.

        The pipeline consists of operations of TensorFlow, without Python functions.

        Args:
            batch_size: Integer >= 1, the mean number of positives per batch.
            before: Optional integer, number of items before a run of positives. Defaults to `None`, batches of users and items
                without histories, for models that do not read them.
            after: Integer, number of items after a run, see `hyperml_tf.data.windows.window_dataset`, as for the following ones.
                Defaults to `0`.
            run: Integer, largest number of positives per run. Defaults to `8`.
            reorder: Boolean, whether the items of each user are put into a random order. Defaults to `False`.
            trim: Boolean, whether runs of about equal lengths make a batch. Defaults to `False`.
            known: Optional integer, number of the items of the user nearest to the row that it carries. Defaults to `64`; `None`:
                all of the items of the user that has most in the batch.
            shard: Two integers `(i, n)`: worker `i` of `n` reads every `n`-th shard, from `i` on. Defaults to `(0, 1)`, all
                shards.
            open_shards: Integer >= 1, number of shards that are shuffled together, which bounds the memory. Defaults to `4`.
            seed: Integer, the seed of the shuffles. Defaults to `0`.
            progress: As in `hyperml_tf.data.training_dataset`. Defaults to `None`.
            all_parts: Boolean, whether held-out rows are trained on, too. Defaults to `False`.
            service: Boolean, whether the dataset is for the tf.data service, in the mode `ShardingPolicy.DYNAMIC`, which divides
                the groups of shards among its workers. These are then the same in every epoch, and `progress` must be `None`.
                Defaults to `False`.

        Returns:
            A `tf.data.Dataset` of known cardinality. Its elements are dictionaries, as those of `training_dataset` or
            `window_dataset`, with `"known"`, `(runs, known)` int32, padded with -1, and `"count"`, `(runs,)` int32.

        Raises:
            ValueError: If an argument is out of its range, or the worker has no shard with training rows.
        """
        from hyperml_tf.preparation.shard_dataset import Batches, shard_dataset

        index, workers = shard
        if not 0 <= index < workers:
            raise ValueError(f"`shard` must be `(i, n)` with 0 <= i < n. Received: shard={shard!r}")
        if service and progress is not None:
            raise ValueError(
                "`progress` must be None with `service`: its workers know no variables. Received: a function"
            )
        mine = self.shards[index::workers]
        batches = Batches(batch_size, before, after, run, reorder, trim, known, all_parts)
        files = [str(self.path / SHARDS / one.file) for one in mine]
        return shard_dataset(files, mine, batches, self.manifest.weighted, open_shards, seed, progress, service)

    def _split(self, users: np.ndarray, items: np.ndarray, parts: np.ndarray, weights: np.ndarray | None) -> Split:
        if self.manifest.split == "none":
            raise ValueError(
                f'`{self.path}` must be prepared with a split to be split. Received: a table prepared with split="none"'
            )
        rows = self._rows(users, items, weights)
        return Split(*(rows.with_rows(parts == part) for part in (TRAIN, VALIDATION, TEST)))

    def _rows(self, users: np.ndarray, items: np.ndarray, weights: np.ndarray | None) -> Interactions:
        return dataclasses.replace(self.vocabulary, users=users, items=items, weights=weights)

    def _columns(self, numbers: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        parts = list(self._each(numbers))
        names = ["user", "item", "part", *(["weight"] if self.manifest.weighted else [])]
        users, items, part, *weights = (np.concatenate([one[name] for one in parts]) for name in names)
        return users, items, part, weights[0] if weights else None

    def _each(self, numbers: Any = None) -> Iterator[dict[str, np.ndarray]]:
        for number in range(len(self.shards)) if numbers is None else numbers:
            yield read_shard(self.path / SHARDS / self.shards[number].file)


@dataclasses.dataclass(frozen=True)
class TrainingRows:
    """The training rows of a prepared table, in the place of an `Interactions` where models are made, without loading them.

    Args:
        table: A `PreparedTable`.
        all_parts: Boolean, whether held-out rows are training rows, too. Defaults to `False`.

    Example:

    >>> from pathlib import Path
    >>> from hyperml_tf.preparation import prepare
    >>> _ = Path("clicks.csv").write_text("user,item\\nann,7\\nbob,7\\nann,3\\nann,4\\nbob,9\\n")
    >>> rows = TrainingRows(prepare("clicks.csv", "clicks"))
    >>> len(rows), rows.activity().tolist()
    (3, [1, 2])
    """

    table: PreparedTable
    all_parts: bool = False

    @property
    def user_ids(self) -> Any:
        """The user vocabulary, `(n_users,)`, an Arrow array."""
        return self.table.id_columns()[0]

    @property
    def item_ids(self) -> Any:
        """The item vocabulary, `(n_items,)`, an Arrow array."""
        return self.table.id_columns()[1]

    @property
    def n_items(self) -> int:
        """The number of items."""
        return self.table.n_items

    @property
    def ordered(self) -> bool:
        """Whether the rows of each user are sorted by an order column."""
        return self.table.manifest.ordered

    def __len__(self) -> int:
        return self.table.manifest.total("rows" if self.all_parts else "train_rows")

    def activity(self) -> np.ndarray:
        """Counts the rows of each user, `(n_users,)` int64, shard by shard."""
        counts = np.zeros(self.table.n_users, np.int64)
        for number, shard in enumerate(self.table.shards):
            columns = read_shard(self.table.path / SHARDS / self.table.shards[number].file)
            users = columns["user"] if self.all_parts else columns["user"][columns["part"] == TRAIN]
            of_users = slice(shard.first_user, shard.first_user + shard.users)
            counts[of_users] = np.bincount(users - shard.first_user, minlength=shard.users)
        return counts

    def direction(self) -> float:
        """Returns how much the order of rows says about what comes next, as it was measured when the table was prepared."""
        return self.table.manifest.direction


def _as_numpy(column: Any) -> np.ndarray:
    ids = column.to_numpy(zero_copy_only=False) if column.num_chunks else np.zeros(0, object)
    return ids if ids.dtype == np.int64 else ids.astype(object)
