"""Batches of interactions: their columns, and the datasets for validation."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf.data import Interactions, sampled_negatives
from hyperml_tf.data.pipelines import COUNT, KNOWN, SAMPLE_WEIGHT
from hyperml_tf.numerics import Tensor

logger = logging.getLogger(__name__)

QUERY, CANDIDATE = "user_id", "item_id"
"""Keys of raw ids in a batch."""
QUERY_CODE, CANDIDATE_CODE, NEGATIVES = "user", "item", "negatives"
"""Keys of codes in a batch."""
HISTORY = "history"
"""Key of the windows of histories in a batch of runs, see `Windows`."""
PLACE, POSITIVE_PLACE = "place_in_batch", "positive_in_batch"
"""Keys of the places in the global batch, see `Places`."""

BATCH_SIZE = 2048
"""Default number of positives per training step."""

_VALIDATION_USERS = 2000
_VALIDATION_BATCH = 500


def columns(batch: Any) -> tuple[Tensor, Tensor]:
    """Returns the query and the candidate column of a batch: raw ids or codes, whichever it holds.

    Raises:
        ValueError: If the batch is not a dictionary with one of the two pairs of keys.
    """
    if isinstance(batch, dict):
        for keys in ((QUERY_CODE, CANDIDATE_CODE), (QUERY, CANDIDATE)):
            if all(key in batch for key in keys):
                return batch[keys[0]], batch[keys[1]]
    received = sorted(batch) if isinstance(batch, dict) else type(batch).__name__
    raise ValueError(f"A batch must be a dictionary with {QUERY!r} and {CANDIDATE!r}. Received: {received}")


def sample_weight(batch: Any) -> Tensor | None:
    """Returns the weights of the rows of a batch, or of the positives of its runs, float32, `(batch,)`; `None` if it has none.

    Raises:
        tf.errors.InvalidArgumentError: If a weight is negative or not finite.
    """
    if SAMPLE_WEIGHT not in batch:
        return None
    weights, windows = tf.cast(batch[SAMPLE_WEIGHT], tf.float32), Windows.of(batch)
    weights = weights if windows is None else windows.flat(weights)
    right = tf.reduce_all((weights >= 0) & (weights < float("inf")))
    message = f"The column {SAMPLE_WEIGHT!r} must hold finite numbers >= 0. Received:"
    with tf.control_dependencies([tf.debugging.Assert(right, [message, weights], summarize=10)]):
        return tf.identity(weights)


class Windows(NamedTuple):
    """A batch of runs of consecutive positives, as `hyperml_tf.data.windows.window_dataset` makes them.

    Attributes:
        users: User codes, `(runs,)`.
        items: Item codes of the positives, `(runs, run)`; -1 is padding.
        histories: Item codes around each run, `(runs, before + run + after)`; -1 beyond either end of the history.
        positives: Index of the run and place in the run of every positive, `(positives, 2)`.
        counts: The number of items of each user, `(runs,)`, int32; `None` if the batch does not hold it.
    """

    users: Tensor
    items: Tensor
    histories: Tensor
    positives: Tensor
    counts: Tensor | None = None

    @classmethod
    def of(cls, batch: Any) -> Windows | None:
        """Returns the runs of a batch; `None` if it is not a batch of runs."""
        if HISTORY not in batch:
            return None
        items = batch[CANDIDATE_CODE]
        # The positives of a run are apart from each other, so that few of them share sampled negatives.
        positives = tf.reverse(tf.where(tf.transpose(items) >= 0), [1])
        return cls(batch[QUERY_CODE], items, batch[HISTORY], positives, batch.get(COUNT))

    def flat(self, values: Tensor) -> Tensor:
        """Returns the values of the positives, `(positives, ...)`, from those of all places, `(runs, run, ...)`."""
        return tf.gather_nd(values, self.positives)

    def flat_of_runs(self, values: Tensor) -> Tensor:
        """Returns the values of the positives, `(positives, ...)`, from those of their runs, `(runs, ...)`."""
        return tf.gather(values, self.positives[:, 0])

    def codes(self) -> tuple[Tensor, Tensor]:
        """Returns the user and the item code of every positive, `(positives,)` each."""
        return self.flat_of_runs(self.users), self.flat(self.items)


class CarriedItems(NamedTuple):
    """The items that the rows of a batch carry of the histories of their users, in place of a `SeenItems` of all users.

    Attributes:
        items: Item codes, `(positives, known)`; -1 is padding.
    """

    items: Tensor

    @classmethod
    def of(cls, batch: Any) -> CarriedItems | None:
        """Returns the items of a batch; `None` if its rows carry none."""
        if KNOWN not in batch:
            return None
        windows = Windows.of(batch)
        return cls(batch[KNOWN] if windows is None else windows.flat_of_runs(batch[KNOWN]))

    def contains(self, users: Tensor, items: Tensor) -> Tensor:
        """Returns whether each item is among those of its row, `(positives, m)`.

        Args:
            users: Not used: a row is that of its user.
            items: Item codes, `(positives, m)`.
        """
        return tf.reduce_any(items[:, :, tf.newaxis] == self.items[:, tf.newaxis], axis=2)


class Places(NamedTuple):
    """Where the rows of a replica's part of a batch are in the global batch, on which random draws then depend.

    Attributes:
        rows: Places of the rows or runs, `(rows,)`, int32.
        positives: Places of the positives, `(positives,)`, int32; of a batch of rows, the same.
    """

    rows: Tensor
    positives: Tensor

    @classmethod
    def of(cls, batch: Any) -> Places | None:
        """Returns the places in a batch; `None` if it does not hold them: it is then a global batch itself."""
        if PLACE not in batch:
            return None
        windows = Windows.of(batch)
        return cls(batch[PLACE], batch[PLACE] if windows is None else windows.flat(batch[POSITIVE_PLACE]))

    @classmethod
    def of_positives(cls, batch: Any) -> Tensor | None:
        """Returns the places of the positives of a batch, `(positives,)`; `None` as `of`."""
        places = cls.of(batch)
        return None if places is None else places.positives


def with_places(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns a dataset of batches that hold the places of their rows, for `tf.distribute` to split."""

    def placed(batch: dict[str, Any]) -> tf.data.Dataset:
        batch = {**batch, PLACE: tf.range(tf.shape(columns(batch)[0])[0])}
        if HISTORY in batch:
            # In the order of `Windows.positives`.
            counted = tf.transpose(batch[CANDIDATE_CODE]) >= 0
            order = tf.cumsum(tf.cast(tf.reshape(counted, [-1]), tf.int32), exclusive=True)
            batch[POSITIVE_PLACE] = tf.transpose(tf.reshape(order, tf.shape(counted)))
        return tf.data.Dataset.from_tensors(batch)

    # Behind `flat_map`, TensorFlow does not know the batch size: it then splits each batch for itself, instead of rows that it
    # has concatenated across batches.
    return dataset.flat_map(placed).apply(tf.data.experimental.assert_cardinality(dataset.cardinality()))


def check_dataset(x: Any, name: str, batch_size: int | None = None) -> None:
    """Raises a `ValueError` that names the argument unless `x` is a batched dataset of interactions."""
    if not isinstance(x, (tf.data.Dataset, tf.distribute.DistributedDataset)):
        raise ValueError(f"`{name}` must be an `Interactions` or a `tf.data.Dataset`. Received: {type(x).__name__}")
    if batch_size is not None:
        raise ValueError(
            "`batch_size` must be None if the data is a dataset, which is batched itself. "
            f"Received: batch_size={batch_size}"
        )
    spec = x.element_spec
    if HISTORY in spec:
        return
    weights = [spec[SAMPLE_WEIGHT]] if isinstance(spec, dict) and SAMPLE_WEIGHT in spec else []
    if any(column.shape.rank != 1 for column in (*columns(spec), *weights)):
        raise ValueError(f"`{name}` must be batched, with columns of shape (batch,). Received: {spec}")
    _check_columns(spec, name)


_KNOWN = {QUERY, CANDIDATE, QUERY_CODE, CANDIDATE_CODE, NEGATIVES, SAMPLE_WEIGHT, KNOWN, COUNT, PLACE}


def _check_columns(spec: dict[str, Any], name: str) -> None:
    """Columns that are not read are no error, except those that are meant to weight the rows."""
    unused = sorted(set(spec) - _KNOWN)
    if misnamed := [column for column in unused if "weight" in column.lower()]:
        raise ValueError(
            f"`{name}` must have the weights of its rows in a column {SAMPLE_WEIGHT!r}. Received: columns {misnamed}"
        )
    if unused:
        logger.info("The columns %s of `%s` are not used by the model.", unused, name)


def validation_dataset(held_out: Interactions, seen_users: np.ndarray, seen_items: np.ndarray) -> tf.data.Dataset:
    """Returns batches of a fixed sample of users, each with a held-out item and fixed sampled negatives.

    Args:
        held_out: An `Interactions` with one row per user, in the codes of the model.
        seen_users: User codes of the seen pairs, `(pairs,)`.
        seen_items: Item codes of the seen pairs, `(pairs,)`, which are never negatives.

    Raises:
        ValueError: If no row is left to evaluate.
    """
    if len(held_out) == 0:
        raise ValueError(
            "`validation_data` must hold rows of users and items that the model knows. Received: no such row"
        )
    if len(held_out) > _VALIDATION_USERS:
        chosen = np.random.default_rng(0).choice(len(held_out), _VALIDATION_USERS, replace=False)
        held_out = held_out.with_rows(np.sort(chosen))
    seen_keys = seen_users.astype(np.int64) * held_out.n_items + seen_items
    keys = np.union1d(seen_keys, held_out.keys())
    codes = keys // held_out.n_items, keys % held_out.n_items
    known = dataclasses.replace(held_out, users=codes[0], items=codes[1], weights=None, times=None)
    # Users who have interacted with the whole catalogue have no negatives to rank against.
    held_out = held_out.with_rows(known.activity()[held_out.users] < known.n_items)
    if len(held_out) == 0:
        raise ValueError(
            "`validation_data` must hold a user with an item that they never interacted with. Received: no such user"
        )
    batch = {
        QUERY_CODE: held_out.users,
        CANDIDATE_CODE: held_out.items,
        NEGATIVES: sampled_negatives(known, held_out.users, 100, seed=0),
    }
    return tf.data.Dataset.from_tensor_slices(batch).batch(_VALIDATION_BATCH)
