"""`tf.data` pipelines over interactions. They gather whole batches of rows, because elements one at a time are slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import check_instance, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.interactions import Interactions

Dataset = Any
"""A `tf.data.Dataset`. TensorFlow ships no type information."""

Progress = Callable[[], Any] | Any
"""What tells epochs apart: a function that returns a number, or a dataset of numbers, see `training_dataset`."""

SAMPLE_WEIGHT = "sample_weight"
"""Key of the weights of the rows in a batch. Tables without weights have batches without it."""

KNOWN, COUNT = "known", "count"
"""Keys of what rows carry of the history of their user, so that no process needs the histories of all users: items that are never
negatives, and the number of items of the user."""

# Added to a seed, so that rows are not shuffled as they were drawn.
_SHUFFLE = 2**32


class Draw(NamedTuple):
    """The rows of several epochs: some that all of them have, and another random sample of the others in each.

    Attributes:
        always: Numbers of the rows of all epochs, `(n,)`.
        sometimes: Numbers of the rows that are drawn from, `(m,)`.
        take: Integer in `[0, m]`, how many of them an epoch has.
        epochs: The numbers of the epochs, which determine what is drawn.

    Example:

    >>> draw = Draw(np.array([4]), np.array([0, 1, 2, 3]), take=2, epochs=range(3))
    >>> draw.size, draw.rows(tf.constant([0, 7], tf.int64)).shape
    (3, TensorShape([3]))
    """

    always: np.ndarray
    sometimes: np.ndarray
    take: int
    epochs: range

    @property
    def size(self) -> int:
        """The number of rows of an epoch."""
        return len(self.always) + self.take

    def rows(self, seeds: Any) -> Any:
        """Returns the rows of an epoch in a graph, `(size,)` int64, from two integers that belong to it."""
        drawn = tf.random.experimental.stateless_shuffle(tf.constant(self.sometimes, tf.int64), seeds)[: self.take]
        return tf.concat([tf.constant(self.always, tf.int64), drawn], axis=0)


@names_arguments
def training_dataset(
    interactions: Interactions,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    progress: Progress | None = None,
    draw: Draw | None = None,
) -> Dataset:
    """Creates a dataset of batches of user and item codes for training.

    One iteration is one epoch: it yields every row once, and the last batch may be smaller. Each iteration, also under
    `repeat`, shuffles the rows anew. The shuffles are determined by `seed`, and by `tf.random.set_seed` if that was called
    before.

    Args:
        interactions: the rows to train on.
        batch_size: the number of rows per batch, at least 1.
        seed: the seed of the shuffles. Defaults to 0.
        shuffle: whether to shuffle. Defaults to True. False keeps the order of the table in every epoch.
        progress: a function that returns an integer tensor which differs from epoch to epoch, such as the number of batches
            trained so far. It is called in the graph at the start of each iteration. The shuffle of the epoch is then
            determined by that number and `seed` alone, so that a resumed training sees the batches it would have seen
            without the interruption. Or a dataset of such numbers, one for each epoch: an iteration is then as many epochs as it
            has numbers. Defaults to None.
        draw: the rows of several epochs, a `Draw`. One iteration has all of these epochs, which `seed` and their numbers
            determine. Defaults to None, an epoch of all rows.

    Returns:
        A `tf.data.Dataset`, of known cardinality if it is one epoch. Its elements are dictionaries `{"user", "item"}` of codes,
        `(batch,)` int32; and `"sample_weight"`, float32, if the rows have weights.

    Raises:
        ValueError: if `batch_size` is less than 1, or there are no rows.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "b"], [10, 11, 10])
    >>> [batch["item"].tolist() for batch in training_dataset(table, 2, shuffle=False).as_numpy_iterator()]
    [[0, 1], [0]]
    """
    check_instance(Interactions, interactions=interactions)
    check_instance(Draw, type(None), draw=draw)
    with tf.device("CPU"):
        columns = {"user": tf.constant(interactions.users), "item": tf.constant(interactions.items)}
        if interactions.weights is not None:
            columns[SAMPLE_WEIGHT] = tf.constant(interactions.weights)

    def gather(rows: Any) -> dict[str, Any]:
        return {name: tf.gather(values, rows) for name, values in columns.items()}

    rows = _batches_of_rows(len(interactions), batch_size, seed, shuffle, progress, draw)
    return rows.map(gather).prefetch(tf.data.AUTOTUNE)


@names_arguments
def raw_dataset(interactions: Interactions, batch_size: int, seed: int = 0, shuffle: bool = True) -> Dataset:
    """Creates a dataset of batches of the original identifiers, as TensorFlow Recommenders models take them.

    Args:
        interactions: the rows to train on.
        batch_size: the number of rows per batch, at least 1.
        seed: the seed of the shuffles, as in `training_dataset`. Defaults to 0.
        shuffle: whether to shuffle. Defaults to True. False keeps the order of the table in every epoch.

    Returns:
        A `tf.data.Dataset` of known cardinality. Its elements are dictionaries `{"user_id", "item_id"}` of identifiers,
        `(batch,)` int64 or string; and `"sample_weight"`, float32, if the rows have weights.

    Raises:
        ValueError: if `batch_size` is less than 1, or there are no rows.

    Example:

    >>> table = Interactions.from_arrays(["a", "a", "b"], [10, 11, 10])
    >>> [batch["user_id"].tolist() for batch in raw_dataset(table, 2, shuffle=False).as_numpy_iterator()]
    [[b'a', b'a'], [b'b']]
    """
    check_instance(Interactions, interactions=interactions)
    with tf.device("CPU"):
        user_ids, item_ids = tf.constant(interactions.user_ids), tf.constant(interactions.item_ids)

    def look_up(batch: dict[str, Any]) -> dict[str, Any]:
        user, item = batch.pop("user"), batch.pop("item")
        return {"user_id": tf.gather(user_ids, user), "item_id": tf.gather(item_ids, item), **batch}

    return training_dataset(interactions, batch_size, seed, shuffle).map(look_up).prefetch(tf.data.AUTOTUNE)


def _batches_of_rows(
    n_rows: int,
    batch_size: int,
    seed: int,
    shuffle: bool,
    progress: Progress | None,
    draw: Draw | None = None,
) -> Dataset:
    """Batches of row numbers, shuffled anew in each iteration."""
    batch_size = count(batch_size=batch_size)
    if n_rows < 1:
        raise ValueError("`interactions` must have rows. Received: none")
    n_rows = n_rows if draw is None else draw.size
    starts = tf.data.Dataset.range(0, n_rows, batch_size, output_type=tf.int32)
    if not shuffle:
        return starts.map(lambda start: tf.range(start, tf.minimum(start + batch_size, n_rows)))

    def epoch(number: Any) -> Dataset:
        # One operation shuffles the whole epoch: 25 ms for a million rows.
        seeds = tf.stack([number, tf.cast(seed, tf.int64)])
        rows = tf.range(n_rows) if draw is None else draw.rows(seeds)
        rows = tf.random.experimental.stateless_shuffle(rows, seeds if draw is None else seeds + _SHUFFLE)
        return starts.map(lambda start: rows[start : tf.minimum(start + batch_size, n_rows)])

    return epochs_of(epoch, seed, progress, -(-n_rows // batch_size), draw)


def epochs_of(
    epoch: Callable[[Any], Dataset],
    seed: int,
    progress: Progress | None,
    n_batches: int,
    draw: Draw | None = None,
) -> Dataset:
    """A dataset whose every iteration is the dataset that `epoch` returns for another number.

    Args:
        epoch: a function of an int64 scalar that returns the dataset of an epoch.
        seed: the seed of the numbers.
        progress: a function that returns the number of an epoch or a dataset of numbers, as in `training_dataset`, or None for a
            random one.
        n_batches: the number of batches of an epoch.
        draw: the epochs of an iteration, one after another, whatever the `progress`. Defaults to None.
    """
    if isinstance(progress, tf.data.Dataset):
        return progress.flat_map(epoch)
    if draw is not None:
        numbers = tf.data.Dataset.range(draw.epochs.start, draw.epochs.stop)
        n_batches *= len(draw.epochs)
    elif progress is None:
        numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    else:
        numbers = tf.data.Dataset.from_tensors(0).map(lambda _: tf.cast(progress(), tf.int64))
    return numbers.flat_map(epoch).apply(tf.data.experimental.assert_cardinality(n_batches))
