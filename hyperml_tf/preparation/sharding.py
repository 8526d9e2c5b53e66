"""The rows of each shard in the order of a prepared table, one shard in memory at a time."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from hyperml_tf.data.direction import consecutive_pairs, direction_of_pairs
from hyperml_tf.data.encoding import in_float32
from hyperml_tf.data.origin import Origin
from hyperml_tf.data.row_order import in_stored_order
from hyperml_tf.data.table_hash import BLOCK, hash_ids
from hyperml_tf.data.table_options import Repeats, TableOptions
from hyperml_tf.preparation.coding import Coded
from hyperml_tf.preparation.manifest import ITEMS, SHARDS, USERS, Manifest
from hyperml_tf.preparation.parts import last_parts, time_parts
from hyperml_tf.preparation.shard_file import TEST, TRAIN, VALIDATION, Shard, read_shard, write_shard

# Pairs of consecutive rows from which the direction of the order is estimated, as many as for tables in memory.
_PAIRS = 1_000_000


class _Rows(NamedTuple):
    """The rows of a shard, sorted, with local codes of users."""

    users: np.ndarray
    items: np.ndarray
    parts: np.ndarray
    weights: np.ndarray | None


@dataclasses.dataclass
class Sharding:
    """Writes the shards and the manifest of a prepared table.

    Args:
        working: the folder with the codes that `coding.code` wrote.
        written: the directory of the prepared table.
        origin: what the rows were read from.
        coded: what `coding.code` returned.
        split: "last", "none", or "time:" and a time.
        split_from: that time, as a value of the order.
        options: how the table is read.
        given: the options that were given, by name, for the manifest.
    """

    working: Path
    written: Path
    origin: Origin
    coded: Coded
    split: str
    split_from: float | None
    options: TableOptions
    given: Mapping[str, Any]

    def write(self, say: Callable[[str], Any]) -> Origin:
        """Writes all files, and returns the origin with the number of repeated rows.

        Raises:
            ValueError: if no row can be held out, or weights are not in the range of float32.
        """
        (self.written / SHARDS).mkdir()
        shards, firsts, seconds, train_users, repeated, all_one = [], [], [], 0, 0, True
        popularity = np.zeros(self.coded.n_items, np.int64)
        digest = hashlib.blake2b(digest_size=16)
        n = len(self.coded.bounds) - 1
        for number in range(n):
            read, rows = self._rows(number)
            shard = self._write(number, rows)
            shards.append(shard)
            repeated += read - shard.rows
            all_one &= rows.weights is None or bool(np.all(rows.weights == 1.0))
            digest.update(np.ascontiguousarray(rows.users + shard.first_user, dtype="<i4").tobytes())
            train = rows.parts == TRAIN
            popularity += np.bincount(rows.items[train], minlength=self.coded.n_items)
            train_users += len(np.unique(rows.users[train]))
            pairs = self._pairs(rows.users[train], rows.items[train], number)
            firsts.append(pairs[0])
            seconds.append(pairs[1])
            if (number + 1) * 10 // n > number * 10 // n:
                say(f"Sorted {number + 1} of {n} shards")
        if self.split != "none" and not any(shard.evaluated for shard in shards):
            raise ValueError(
                f'`tables` must have a user of whom rows can be held out, or be prepared with `split="none"`. '
                f"Received: none, with split={self.split!r}"
            )
        weighted = not all_one
        _add_popularity(self.written / ITEMS, popularity)
        self._fingerprint(digest, shards, weighted)
        found = direction_of_pairs(np.concatenate(firsts), np.concatenate(seconds), self.coded.n_items)
        origin = dataclasses.replace(self.origin, repeated=repeated)
        Manifest(
            origin,
            self.given,
            self.coded.ordered,
            weighted,
            self.split,
            None if self.split_from is None else float(self.split_from),
            float(found) if self.coded.ordered else 0.0,
            self.coded.n_users,
            self.coded.n_items,
            train_users,
            digest.hexdigest(),
            tuple(shards),
        ).save(self.written)
        say("Wrote the manifest")
        return origin

    def _rows(self, number: int) -> tuple[int, _Rows]:
        """The number of rows that were read for a shard, and its rows."""
        first, end = self.coded.bounds[number : number + 2]
        table = pa.parquet.read_table(self.coded.folder(self.working, number), partitioning=None)
        order = np.argsort(table.column("row").to_numpy(), kind="stable")
        users = (table.column("u").to_numpy()[order] - first).astype(np.int32)
        items = table.column("i").to_numpy()[order].astype(np.int32)
        when = table.column("t").to_numpy()[order] if self.coded.ordered else None
        weights = table.column("w").to_numpy()[order] if self.coded.weighted else None
        del table, order
        n_items, repeats = self.coded.n_items, self.options.kept_repeats
        stored = in_stored_order(users, items, n_items, when, repeats, weights)
        counts = np.bincount(stored[0], minlength=end - first)
        return len(users), _Rows(
            stored[0], stored[1], self._parts(counts, users, items, when), self._weights(stored[2])
        )

    def _weights(self, stored: np.ndarray | None) -> np.ndarray | None:
        return None if stored is None else in_float32(stored, self.origin.columns)

    def _parts(self, counts: np.ndarray, users: np.ndarray, items: np.ndarray, when: np.ndarray | None) -> np.ndarray:
        if self.split == "last":
            return last_parts(counts, self.coded.n_items)
        if self.split == "none" or when is None:
            return np.full(int(counts.sum()), TRAIN, np.int8)
        # The moment of each row that was kept: sorted alike, with the moment in the place of the weight.
        repeats: Repeats = "first" if self.options.kept_repeats == "first" else "last"
        moments = np.asarray(in_stored_order(users, items, self.coded.n_items, when, repeats, when)[2])
        return time_parts(counts, moments >= self.split_from, self.coded.n_items)

    def _write(self, number: int, rows: _Rows) -> Shard:
        first, end = self.coded.bounds[number : number + 2]
        name = f"{number:05d}.arrow"
        columns = {"user": rows.users + np.int32(first), "item": rows.items, "part": rows.parts}
        if rows.weights is not None:
            columns["weight"] = rows.weights
        elif self.coded.weighted or self.options.kept_repeats == "sum":
            # Every shard has the same columns.
            columns["weight"] = np.ones(len(rows.users), np.float32)
        places = write_shard(self.written / SHARDS / name, columns)
        train = int(np.count_nonzero(rows.parts == TRAIN))
        evaluated = len(np.unique(rows.users[(rows.parts == VALIDATION) | (rows.parts == TEST)]))
        return Shard(name, len(rows.users), train, evaluated, first, end - first, places)

    def _pairs(self, users: np.ndarray, items: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Items of consecutive rows to train on; of large tables, a sample with the same share of every shard."""
        share = min(1.0, _PAIRS / max(1, self.coded.rows))
        most = None if share == 1.0 else math.ceil(share * len(users))
        return consecutive_pairs(users, items, most, number)

    def _fingerprint(self, digest: Any, shards: list[Shard], weighted: bool) -> None:
        """Goes on where the users of all rows are in the hash already, as `Interactions.fingerprint` does."""
        for shard in shards:
            digest.update(read_shard(self.written / SHARDS / shard.file)["item"].astype("<i4", copy=False).tobytes())
        for name in (USERS, ITEMS):
            hash_ids(digest, _ids(self.written / name))
        for shard in shards if weighted else ():
            digest.update(read_shard(self.written / SHARDS / shard.file)["weight"].astype("<f4", copy=False).tobytes())


def _ids(path: Path) -> Iterator[list[Any]]:
    """The identifiers of a vocabulary, some at a time."""
    with pa.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(BLOCK, columns=["id"]):
            yield batch.column(0).to_numpy(zero_copy_only=False).tolist()


def _add_popularity(path: Path, popularity: np.ndarray) -> None:
    """Adds the number of training rows of each item to their vocabulary."""
    scratch, start = path.with_suffix(".rewritten"), 0
    with pa.parquet.ParquetFile(path) as file:
        schema = pa.schema([file.schema_arrow.field("id"), ("train_rows", pa.int64())])
        with pa.parquet.ParquetWriter(scratch, schema) as writer:
            for batch in file.iter_batches(BLOCK):
                counts = pa.array(popularity[start : start + len(batch)])
                writer.write_batch(pa.record_batch([batch.column(0), counts], schema=schema))
                start += len(batch)
    scratch.replace(path)
