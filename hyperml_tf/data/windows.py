"""`tf.data` pipelines over sequences: runs of consecutive positives, each with the part of the history around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import count
from hyperml_tf.data.pipelines import SAMPLE_WEIGHT, Dataset, Draw, Progress, epochs_of


def window_dataset(
    sequences: tuple[np.ndarray, np.ndarray],
    positive: np.ndarray,
    batch_size: int,
    before: int,
    after: int = 0,
    run: int = 8,
    reorder: bool = False,
    trim: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
    weights: np.ndarray | None = None,
    draw: Draw | None = None,
) -> Dataset:
    """Creates a dataset of runs of consecutive positives with the items around them, for training on sequences.

    The items of a run are read once for all of its positives, which makes a history per positive about as cheap as none. One
    iteration is one epoch: every positive occurs once. The sequences are cut into runs at random places, anew in each epoch,
    and a batch holds runs of many users.

    Args:
        sequences: Items of every user from the oldest to the newest as `(indptr, items)`, in CSR format: those of user `u` are
            `items[indptr[u]:indptr[u + 1]]`.
        positive: Booleans, `(len(items),)`, the entries of `items` to train on. All are part of the windows.
        batch_size: Integer >= 1, the mean number of positives per batch.
        before: Integer >= 0, number of items before a run.
        after: Integer >= 0, number of items after a run. Defaults to `0`.
        run: Integer >= 1, largest number of positives per run. Defaults to `8`.
        reorder: Boolean, whether the items of each user are put into a random order in every epoch, for sequences without a
            meaningful order. Defaults to `False`.
        trim: Boolean, whether runs of about equal lengths make a batch, whose `before` and `run` are those of its longest, so
            that long runs may be allowed without much padding. Sequences that fit into a run are not cut. Defaults to `False`.
        seed: Integer, the seed of an epoch, as in `training_dataset`. Defaults to `0`.
        progress: As in `training_dataset`. Defaults to `None`.
        weights: Floats, `(len(items),)`, the weights of the entries of `items`. Defaults to `None`, all are 1.
        draw: A `Draw` among the entries of `items`, the positives of several epochs, which one iteration has. Defaults to `None`:
            one epoch of all positives.

    Returns:
        A `tf.data.Dataset`, of known cardinality if it is one epoch. Its elements are dictionaries of int32 tensors: `"user"`,
        `(runs,)`; `"item"`, `(runs, run)`, the positives; and `"history"`, `(runs, before + run + after)`, the window. -1 is
        padding. With weights there is also `"sample_weight"`, `(runs, run)`, float32.

    Raises:
        ValueError: If `batch_size` is less than 1, or there are no positives.

    Example:

    >>> sequences = np.array([0, 3]), np.array([7, 8, 9])
    >>> batch = next(iter(window_dataset(sequences, np.ones(3, bool), 10, before=2, run=3, seed=3)))
    >>> int(tf.math.count_nonzero(batch["item"] >= 0)), batch["history"].shape[1]
    (3, 5)
    """
    n_positives = int(np.count_nonzero(positive)) if draw is None else draw.size
    batch_size = count(batch_size=batch_size)
    if not n_positives:
        raise ValueError("`positive` must have an entry that is True. Received: none")
    n_batches = -(-n_positives // batch_size)
    with tf.device("CPU"):
        indptr, items = tf.constant(sequences[0], tf.int64), tf.constant(sequences[1], tf.int32)
        constant = None if draw is not None or n_positives == len(positive) else tf.constant(positive)
        heavy = None if weights is None else tf.constant(weights, tf.float32)

    reading = Reading(before, after, run, reorder, trim)

    def epoch(number: Any) -> Dataset:
        seeds = tf.stack([number, tf.cast(seed, tf.int64)])
        chosen = constant if draw is None else _marked(draw.rows(seeds), len(positive))
        return batches_of_runs(Sequences(indptr, items, chosen, heavy), reading, n_batches, seeds)

    return epochs_of(epoch, seed, progress, n_batches, draw).prefetch(tf.data.AUTOTUNE)


class Reading(NamedTuple):
    """Which runs are made of sequences, and what is read around them, see `window_dataset`."""

    before: int
    after: int = 0
    run: int = 8
    reorder: bool = False
    trim: bool = False


class Sequences(NamedTuple):
    """The items of every user from the oldest to the newest in CSR format, as tensors.

    Attributes:
        indptr: Offsets of the users, `(n_users + 1,)`, int64.
        items: Item codes, int32.
        chosen: Booleans, the entries of `items` to train on; `None` for all.
        weights: Floats, the weights of the entries of `items`; `None` if all are 1.
    """

    indptr: Any
    items: Any
    chosen: Any = None
    weights: Any = None


Finish = Callable[[Sequences, Any, Any], dict[str, Any]]
"""A function of the sequences, and the user and the first place of each run, that returns further columns of a batch."""


def batches_of_runs(
    sequences: Sequences, reading: Reading, n_batches: Any, seeds: Any, finish: Finish | None = None
) -> Dataset:
    """Returns the batches of one epoch, see `window_dataset`.

    Args:
        sequences: The sequences.
        reading: Which runs are made of them.
        n_batches: Integer >= 1, number of batches.
        seeds: Two integers, the seed of the epoch.
        finish: Optional function that returns further columns of a batch. Defaults to `None`.
    """
    indptr, items, chosen, heavy = sequences
    before, after, run, reorder, trim = reading
    order = _order_within(indptr, seeds) if reorder else None
    ordered = items if order is None else tf.gather(items, order)
    wanted = chosen if order is None or chosen is None else tf.gather(chosen, order)
    weighing = heavy if order is None or heavy is None else tf.gather(heavy, order)
    users, starts = _runs(indptr, wanted, run, seeds, whole=trim)
    if trim:
        users, starts, ends = _by_length(indptr, users, starts, before, run, n_batches)
    else:
        wide = tf.cast(n_batches, tf.int64)
        ends = tf.size(users, tf.int64) * tf.range(wide + 1) // wide
    places = tf.range(n_batches)
    order_of_batches = tf.random.experimental.stateless_shuffle(places, seeds) if trim else places

    def batch(index: Any) -> dict[str, Any]:
        place = order_of_batches[index]
        rows = slice(ends[place], ends[place + 1])
        owners, first = users[rows], starts[rows]
        earlier, longest = _longest(indptr, owners, first, before, run) if trim else (before, run)
        history = _read(indptr, ordered, owners, first, -earlier, longest + after)
        positives = history[:, earlier : earlier + longest]
        if wanted is not None:
            positives = tf.where(_read(indptr, wanted, owners, first, 0, longest) == 1, positives, -1)
        further = {} if finish is None else finish(Sequences(indptr, ordered, wanted, weighing), owners, first)
        if weighing is not None:
            further[SAMPLE_WEIGHT] = _read(indptr, weighing, owners, first, 0, longest, 0.0)
        return {"user": tf.cast(owners, tf.int32), "item": positives, "history": history, **further}

    return tf.data.Dataset.range(tf.cast(n_batches, tf.int64)).map(batch)


def items_near(sequences: Sequences, users: Any, starts: Any, run: int, known: int | None) -> Any:
    """Returns the items of each user that are nearest to a run, `(runs, known)`, int32; -1 is padding.

    Args:
        sequences: The sequences.
        users: The user of each run, `(runs,)`.
        starts: The first place of each run, `(runs,)`.
        run: Integer, the number of places of a run.
        known: Optional integer, the number of items; `None` for all of those of the user that has most.
    """
    indptr, items = sequences.indptr, sequences.items
    counts = tf.gather(indptr, users + 1) - tf.gather(indptr, users)
    if known is None:
        return _read(indptr, items, users, tf.zeros_like(counts), 0, tf.reduce_max(tf.concat([[1], counts], axis=0)))
    # Where the run is near one end, there is more room at the other.
    first = tf.clip_by_value(starts - (known - run) // 2, 0, tf.maximum(counts - known, 0))
    return _read(indptr, items, users, first, 0, known)


def _marked(entries: Any, n: int) -> Any:
    """A mask of `n` entries."""
    return tf.scatter_nd(entries[:, tf.newaxis], tf.ones_like(entries, tf.int8), [n]) > 0


def _order_within(indptr: Any, seeds: Any) -> Any:
    """A random order of the entries of each user."""
    counts = indptr[1:] - indptr[:-1]
    users = _owners(counts)
    return tf.argsort(
        tf.cast(users, tf.float64) + tf.random.stateless_uniform(tf.shape(users), seeds, dtype=tf.float64)
    )


def _owners(counts: Any) -> Any:
    """Each index as often as its count says, as `tf.repeat`, whose memory is the number of counts times the largest of them."""
    ends = tf.cumsum(counts)
    return tf.searchsorted(ends, tf.range(ends[-1]), side="right", out_type=tf.int64)


def _runs(indptr: Any, wanted: Any, run: int, seeds: Any, whole: bool) -> tuple[Any, Any]:
    """Users and first places of all runs that have a positive, shuffled. A first place may be negative."""
    counts = indptr[1:] - indptr[:-1]
    phase = tf.random.stateless_uniform(tf.shape(counts), seeds, 0, run, tf.int64)
    if whole:
        phase = tf.where(counts > run, phase, 0)
    n_runs = tf.where(counts > 0, (counts + phase + run - 1) // run, 0)
    users = _owners(n_runs)
    nth = tf.range(tf.size(users, tf.int64)) - tf.gather(tf.cumsum(n_runs, exclusive=True), users)
    starts = nth * run - tf.gather(phase, users)
    if wanted is not None:
        kept = tf.where(tf.reduce_any(_read(indptr, wanted, users, starts, 0, run) == 1, axis=1))[:, 0]
        users, starts = tf.gather(users, kept), tf.gather(starts, kept)
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.size(users, tf.int64)), seeds)
    return tf.gather(users, order), tf.gather(starts, order)


def _extent(indptr: Any, users: Any, starts: Any, before: int, run: int) -> tuple[Any, Any]:
    """The number of items before each run, at most `before`, and of its places up to its last item."""
    counts = tf.gather(indptr, users + 1) - tf.gather(indptr, users)
    return tf.clip_by_value(starts, 0, before), tf.clip_by_value(counts - starts, 0, run)


def _longest(indptr: Any, users: Any, starts: Any, before: int, run: int) -> tuple[Any, Any]:
    """The largest extent of a batch of runs, 1 or more places."""
    earlier, places = _extent(indptr, users, starts, before, run)
    return tf.reduce_max(tf.concat([[0], earlier], axis=0)), tf.reduce_max(tf.concat([[1], places], axis=0))


def _by_length(indptr: Any, users: Any, starts: Any, before: int, run: int, n_batches: Any) -> tuple[Any, Any, Any]:
    """Runs in an order in which those of a batch have about equal lengths, and the ends of the batches."""
    earlier, places = _extent(indptr, users, starts, before, run)
    # Lengths up to a power of two go together; within, the order stays random.
    group = tf.math.ceil(tf.math.log(tf.cast(tf.maximum(earlier + places, 1), tf.float32)) / math.log(2.0))
    order = tf.argsort(group, stable=True)
    total = tf.cumsum(tf.gather(places, order))
    wide = tf.cast(n_batches, tf.int64)
    shares = total[-1] * tf.range(1, wide + 1) // wide
    ends = tf.concat([[0], tf.searchsorted(total, shares, side="left", out_type=tf.int64) + 1], axis=0)
    return tf.gather(users, order), tf.gather(starts, order), ends


def _read(indptr: Any, values: Any, users: Any, starts: Any, begin: Any, end: Any, padding: float = -1) -> Any:
    """The values of each user at the places `start + begin, ..., start + end - 1`; the padding beyond either end.

    They have the dtype of the padding, int32 or float32.
    """
    places = starts[:, tf.newaxis] + tf.range(tf.cast(begin, tf.int64), tf.cast(end, tf.int64))
    first, last = (tf.gather(indptr, users + shift)[:, tf.newaxis] for shift in (0, 1))
    inside = (places >= 0) & (places < last - first)
    found = tf.gather(values, tf.where(inside, first + places, 0))
    return tf.where(inside, tf.cast(found, tf.float32 if isinstance(padding, float) else tf.int32), padding)
