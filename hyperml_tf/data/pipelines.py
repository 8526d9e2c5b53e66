"""`tf.data` pipelines that cost next to nothing: whole batches of row numbers, never one row at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from hyperml_tf.data.interactions import Interactions

Dataset = Any
"""A `tf.data.Dataset`. TensorFlow ships no type information."""


def training_dataset(
    interactions: Interactions,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    progress: Callable[[], Any] | None = None,
) -> Dataset:
    """Batches of `{"user", "item"}`: the codes of users and of the items they interacted with, `(batch,)` int32.

    One iteration is one epoch and covers every row once; the last batch may be smaller. Every iteration, also under `repeat`,
    draws a new permutation of the rows. The sequence of permutations follows from `seed`, and from `tf.random.set_seed` where
    that has been called before, so a program that is run again sees the same batches.

    Args:
        interactions: the rows to train on.
        batch_size: rows a batch, > 0.
        seed: of the permutations.
        shuffle: False keeps the stored order, the same in every epoch.
        progress: returns a number that differs from epoch to epoch, read in the graph as each iteration starts. The permutation
            then follows from it and `seed` alone, so a training that is interrupted goes on with the batches it would have had.

    Returns:
        A finite `tf.data.Dataset` whose length is known.

    Raises:
        ValueError: if `batch_size` is not positive or there are no rows.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "b"], [10, 11, 10])
    >>> [batch["item"].tolist() for batch in training_dataset(table, 2, shuffle=False).as_numpy_iterator()]
    [[0, 1], [0]]
    """
    with tf.device("CPU"):
        users, items = tf.constant(interactions.users), tf.constant(interactions.items)

    def gather(rows: Any) -> dict[str, Any]:
        return {"user": tf.gather(users, rows), "item": tf.gather(items, rows)}

    rows = _batches_of_rows(len(interactions), batch_size, seed, shuffle, progress)
    return rows.map(gather).prefetch(tf.data.AUTOTUNE)


def raw_dataset(interactions: Interactions, batch_size: int, seed: int = 0, shuffle: bool = True) -> Dataset:
    """Batches of `{"user_id", "item_id"}`: the original identifiers, `(batch,)` int64 or string, as TFRS models take them.

    Arguments, order and errors as in `training_dataset`.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "b"], [10, 11, 10])
    >>> [batch["user_id"].tolist() for batch in raw_dataset(table, 2, shuffle=False).as_numpy_iterator()]
    [[b'a', b'a'], [b'b']]
    """
    with tf.device("CPU"):
        user_ids, item_ids = tf.constant(interactions.user_ids), tf.constant(interactions.item_ids)

    def look_up(batch: dict[str, Any]) -> dict[str, Any]:
        return {"user_id": tf.gather(user_ids, batch["user"]), "item_id": tf.gather(item_ids, batch["item"])}

    return training_dataset(interactions, batch_size, seed, shuffle).map(look_up).prefetch(tf.data.AUTOTUNE)


def _batches_of_rows(
    n_rows: int, batch_size: int, seed: int, shuffle: bool, progress: Callable[[], Any] | None
) -> Dataset:
    """Row numbers in batches, permuted anew in each iteration."""
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be positive. Received: batch_size={batch_size}")
    if n_rows < 1:
        raise ValueError("`interactions` must have rows. Received: none")
    starts = tf.data.Dataset.range(0, n_rows, batch_size, output_type=tf.int32)
    if not shuffle:
        return starts.map(lambda start: tf.range(start, tf.minimum(start + batch_size, n_rows)))

    def epoch(number: Any) -> Dataset:
        # One operation draws the epoch's permutation: 25 ms for a million rows.
        rows = tf.random.experimental.stateless_shuffle(
            tf.range(n_rows), seed=tf.stack([number, tf.cast(seed, tf.int64)])
        )
        return starts.map(lambda start: rows[start : tf.minimum(start + batch_size, n_rows)])

    if progress is None:
        epochs = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    else:
        epochs = tf.data.Dataset.from_tensors(0).map(lambda _: tf.cast(progress(), tf.int64))
    return epochs.flat_map(epoch).apply(tf.data.experimental.assert_cardinality(-(-n_rows // batch_size)))
