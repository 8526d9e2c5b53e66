"""`tf.data` pipelines over the shards of a prepared table: a few of them in memory at a time.

They consist of operations of TensorFlow, so that they run in workers without Python, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf.data.pipelines import COUNT, KNOWN, SAMPLE_WEIGHT, Dataset, Progress, epochs_of
from hyperml_tf.data.windows import Reading, Sequences, batches_of_runs, items_near
from hyperml_tf.preparation.shard_file import TRAIN, Shard


class Batches(NamedTuple):
    """What batches hold, see `PreparedTable.dataset`."""

    size: int
    before: int | None
    after: int
    run: int
    reorder: bool
    trim: bool
    known: int | None
    all_parts: bool

    @property
    def reading(self) -> Reading:
        """Which runs are made; of one positive each for batches without histories."""
        if self.before is None:
            return Reading(0, 0, 1)
        return Reading(self.before, self.after, self.run, self.reorder, self.trim)


def shard_dataset(
    files: Sequence[str],
    shards: Sequence[Shard],
    batches: Batches,
    weighted: bool,
    open_shards: int,
    seed: int,
    progress: Progress | None,
    service: bool,
) -> Dataset:
    """Creates the dataset of `PreparedTable.dataset`.

    Args:
        files: The paths of the shards.
        shards: What is known of them.
        batches: What batches hold.
        weighted: Boolean, whether the rows have weights.
        open_shards: Integer >= 1, number of shards that are shuffled together.
        seed: Integer, the seed of the shuffles.
        progress: As in `training_dataset`.
        service: Boolean, whether the tf.data service may divide the shards among its workers.

    Raises:
        ValueError: If an argument is out of its range, or there are no rows to train on.
    """
    for name, value in (("batch_size", batches.size), ("run", batches.run), ("open_shards", open_shards)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    if batches.known is not None and batches.known < batches.reading.run:
        raise ValueError(
            f"`known` must be None, or at least `run`, {batches.reading.run}. Received: known={batches.known}"
        )
    rows = [shard.rows if batches.all_parts else shard.train_rows for shard in shards]
    with_rows = [place for place, count in enumerate(rows) if count]
    if not with_rows:
        raise ValueError(
            f"The worker must have a shard with rows to train on. Received: {len(shards)} shards, without any"
        )
    files, shards = [files[place] for place in with_rows], [shards[place] for place in with_rows]
    rows = [rows[place] for place in with_rows]
    starts = _groups(rows, open_shards, batches.size)
    shuffled = _Shuffled(files, shards, rows, starts, batches, weighted, seed)
    n_batches = -(-sum(rows) // batches.size)
    if service:
        return shuffled.divisible()
    return epochs_of(shuffled.epoch, seed, progress, n_batches).prefetch(tf.data.AUTOTUNE)


def _groups(rows: Sequence[int], open_shards: int, batch_size: int) -> list[int]:
    """The places at which groups of at most `open_shards` shards begin, and their number.

    Whichever shards are in a group, it has a batch of rows: the batches of an epoch are as many as those of the whole table.
    """
    smallest, n = sorted(rows), len(rows)
    groups = -(-n // open_shards)
    while groups > 1 and sum(smallest[: n // groups]) < batch_size:
        groups -= 1
    return [n * group // groups for group in range(groups + 1)]


class _Shuffled:
    """The epochs over some shards."""

    def __init__(
        self,
        files: Sequence[str],
        shards: Sequence[Shard],
        rows: Sequence[int],
        starts: Sequence[int],
        batches: Batches,
        weighted: bool,
        seed: int,
    ) -> None:
        self._batches, self._weighted, self._seed = batches, weighted, seed
        self._n = len(files)
        with tf.device("CPU"):
            self._files, self._rows = tf.constant(list(files)), tf.constant(list(rows), tf.int64)
            self._starts = tf.constant(list(starts), tf.int64)
            self._sizes = {name: tf.constant([getattr(one, name) for one in shards], tf.int64) for name in _SIZES}
            self._places = {name: tf.constant([one.places[name] for one in shards], tf.int64) for name in self._columns}
        self._largest = max(end - start for start, end in itertools.pairwise(starts))

    @property
    def _columns(self) -> list[str]:
        return ["user", "item", "part", *(["weight"] if self._weighted else [])]

    def epoch(self, number: Any) -> Dataset:
        """The batches of an epoch: the shards in a random order, some at a time."""
        seeds = tf.stack([number, tf.cast(self._seed, tf.int64)])
        order = tf.random.experimental.stateless_shuffle(tf.range(self._n), seeds)
        groups = tf.data.Dataset.range(tf.size(self._starts, tf.int64) - 1)
        read = groups.flat_map(lambda group: self._read_group(group, order)).prefetch(1)
        return read.flat_map(lambda group: self._batches_of(group, seeds))

    def divisible(self) -> Dataset:
        """The batches of groups of shards that are always the same, which the tf.data service divides among its workers."""
        order = tf.random.experimental.stateless_shuffle(tf.range(self._n), [0, self._seed])
        groups = tf.data.Dataset.range(tf.size(self._starts, tf.int64) - 1)
        read = groups.flat_map(lambda group: self._read_group(group, order))
        numbered = read.flat_map(
            lambda group: (
                tf.data.Dataset.random(seed=self._seed, rerandomize_each_iteration=True)
                .take(1)
                .map(lambda number: (group, number))
            )
        )
        return numbered.flat_map(
            lambda group, number: self._batches_of(group, tf.stack([number, tf.cast(self._seed, tf.int64)]))
        )

    def _read_group(self, group: Any, order: Any) -> Dataset:
        """One element: the sequences of a group of shards, and the number of batches that are made of them."""
        first, end = self._starts[group], self._starts[group + 1]
        ends = -(-tf.cumsum(tf.gather(self._rows, order)) // self._batches.size)
        done = tf.where(first > 0, ends[tf.maximum(first, 1) - 1], 0)
        shards = tf.data.Dataset.from_tensor_slices(order[first:end]).map(self._read).ragged_batch(self._largest)
        return shards.map(
            lambda one: {**{name: part.flat_values for name, part in one.items()}, "n": ends[end - 1] - done}
        )

    def _read(self, place: Any) -> dict[str, Any]:
        """The sequences of a shard."""
        contents = tf.io.read_file(self._files[place])
        rows, first, n_users = (self._sizes[name][place] for name in _SIZES)

        def column(name: str, dtype: Any) -> Any:
            length = rows * dtype.size
            values = tf.io.decode_raw(tf.strings.substr(contents, self._places[name][place], length), dtype)
            return tf.ensure_shape(values, [None])

        columns = {"user": column("user", tf.int32), "item": column("item", tf.int32)}
        if self._weighted:
            columns["weight"] = column("weight", tf.float32)
        if not self._batches.all_parts:
            kept = column("part", tf.int8) == TRAIN
            columns = {name: tf.boolean_mask(values, kept) for name, values in columns.items()}
        local = tf.cast(tf.cast(columns.pop("user"), tf.int64) - first, tf.int32)
        counts = tf.math.bincount(local, minlength=tf.cast(n_users, tf.int32), dtype=tf.int64)
        return {**columns, "code": tf.cast(first + tf.range(n_users), tf.int32), "count": counts}

    def _batches_of(self, group: dict[str, Any], seeds: Any) -> Dataset:
        indptr = tf.concat([[0], tf.cumsum(group["count"])], axis=0)
        sequences = Sequences(indptr, group["item"], None, group["weight"] if self._weighted else None)
        reading, known = self._batches.reading, self._batches.known

        def finish(ordered: Sequences, owners: Any, first: Any) -> dict[str, Any]:
            return {
                "user": tf.gather(group["code"], owners),
                KNOWN: items_near(ordered, owners, first, reading.run, known),
                COUNT: tf.cast(tf.gather(group["count"], owners), tf.int32),
            }

        found = batches_of_runs(sequences, reading, group["n"], seeds, finish)
        return found if self._batches.before is not None else found.map(_without_runs)


_SIZES = ("rows", "first_user", "users")


def _without_runs(batch: dict[str, Any]) -> dict[str, Any]:
    """Runs of one positive as rows."""
    kept = {name: values for name, values in batch.items() if name != "history"}
    return {name: values[:, 0] if name in ("item", SAMPLE_WEIGHT) else values for name, values in kept.items()}
