"""What each user has interacted with, as a part of a model's state."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.data.interactions import Interactions
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.histories import Histories, padded


@register
class SeenItems(tf.keras.layers.Layer):
    """The known (user, item) pairs, each user's from the oldest to the newest.

    They are non-trainable weights without a fixed size, so that checkpoints of every format hold and restore them. To tell
    quickly whether a pair is known there is a hash table besides, which is derived from the weights when it is needed.

    Args:
        n_users: number of users, >= 1.
        n_items: size of the catalogue, >= 1.
        **kwargs: as for every Keras layer.

    Example:

    >>> seen = SeenItems(n_users=2, n_items=3)
    >>> seen.add(np.array([0, 0, 1]), np.array([2, 0, 1]))
    3
    >>> seen.contains(tf.constant([0, 1]), tf.constant([2, 2])).numpy().tolist()
    [True, False]
    """

    def __init__(self, n_users: int, n_items: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_users, self.n_items = int(n_users), int(n_items)
        nothing = np.zeros(self.n_users + 1, np.int64), np.zeros(0, np.int32)
        self.histories = Histories.of(*nothing, variables="seen")
        # A hash of the pairs. What is derived from them, and graphs that hold it, are made anew when it has changed.
        self._version = self.add_weight(
            name="version", shape=(), dtype=tf.int64, trainable=False, initializer="zeros", experimental_autocast=False
        )
        self._places = _Places()
        self.built = True

    @property
    def indptr(self) -> np.ndarray:
        """Where the items of each user begin in `items`, `(n_users + 1,)` int64."""
        return self.histories.indptr.numpy()

    @property
    def items(self) -> np.ndarray:
        """Item codes, user by user and oldest first, `(pairs,)` int32."""
        return self.histories.items.numpy()[: len(self)]

    @property
    def users(self) -> np.ndarray:
        """The user of each entry of `items`, `(pairs,)` int32."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.indptr))

    @property
    def version(self) -> int:
        """A number that changes with the pairs; 0 where there are none."""
        with tf.init_scope():
            return int(self._version.read_value())

    def __len__(self) -> int:
        with tf.init_scope():
            return int(self.histories.indptr[-1])

    def set(self, users: np.ndarray, items: np.ndarray) -> None:
        """Replaces the pairs.

        Args:
            users: user codes, never decreasing, `(pairs,)`.
            items: item codes, each user's from the oldest to the newest, `(pairs,)`.
        """
        items = np.asarray(items, np.int32)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=self.n_users))]).astype(np.int64)
        version = _hash_of(indptr, items)
        if version != self.version:
            self.histories.indptr.assign(indptr)
            self.histories.items.assign(padded(items))
            self._version.assign(version)

    def copy_from(self, other: SeenItems) -> None:
        """Takes over the pairs of another layer of the same sizes, and the hash table that is derived from them."""
        self.set_weights(other.get_weights())
        self._places = other._places

    def add(self, users: np.ndarray, items: np.ndarray) -> int:
        """Adds the pairs that are not known yet, after those that are.

        Args:
            users, items: as for `set`.

        Returns:
            The number of pairs added.
        """
        users, items = np.asarray(users, np.int32), np.asarray(items, np.int32)
        if not len(self):
            self.set(users, items)
            return len(self)
        keys = users.astype(np.int64) * self.n_items + items
        _, first = np.unique(keys, return_index=True)
        new = np.zeros(len(keys), bool)
        new[first] = True
        new &= self._places.of(self).lookup(tf.constant(keys)).numpy() < 0
        if new.any():
            all_users = np.concatenate([self.users, users[new]])
            order = np.argsort(all_users, kind="stable")
            self.set(all_users[order], np.concatenate([self.items, items[new]])[order])
        return int(np.count_nonzero(new))

    def set_interactions(self, interactions: Interactions) -> None:
        """Replaces the pairs with the rows of a table in the codes of the model."""
        self.set(interactions.users, interactions.items)

    def add_interactions(self, interactions: Interactions) -> int:
        """Adds the rows of a table in the codes of the model, as `add`."""
        return self.add(interactions.users, interactions.items)

    def find(self, users: Tensor, items: Tensor) -> Tensor:
        """The index of each pair in `items`, -1 for unknown pairs; codes `(...)` -> `(...)` int64."""
        return self._places.of(self).lookup(tf.cast(users, tf.int64) * self.n_items + tf.cast(items, tf.int64))

    def contains(self, users: Tensor, items: Tensor) -> Tensor:
        """Whether each pair is known; codes `(...)` -> `(...)` bool."""
        return self.find(users, items) >= 0

    def around(
        self, users: Tensor, items: Tensor, size: int, window: float | None, seed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `Histories.around`, which is told where the items are."""
        return self.histories.around(users, items, self.find(users, items), size, window, seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n_users": self.n_users, "n_items": self.n_items}


class _Places:
    """The hash table from pairs to their index, made when it is first asked for after the pairs have changed.

    A binary search in sorted pairs would miss the cache at every halving: with ten million pairs the table is three times as
    fast. It is no part of the model's state, so nothing here is tracked by Keras.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._table: Any = None

    def __deepcopy__(self, memo: dict[int, Any]) -> _Places:
        return _Places()

    def of(self, seen: SeenItems) -> Any:
        """The table of the present pairs."""
        version = seen.version
        if version != self._version:
            with tf.init_scope():
                self._table = _places(seen.users.astype(np.int64) * seen.n_items + seen.items)
            self._version = version
        return self._table


def _places(keys: np.ndarray) -> tf.lookup.StaticHashTable:
    """A table that holds the index of each key, and -1 for everything else."""
    if not len(keys):
        keys = np.full(1, np.iinfo(np.int64).min)  # a table cannot be empty, and no pair has this key
    places = np.arange(len(keys), dtype=np.int64)
    in_order = np.sort(keys)
    if np.any(in_order[1:] == in_order[:-1]):
        # A table takes a key once; the first index of a repeated pair counts.
        keys, places = np.unique(keys, return_index=True)
    # Anonymous: TensorFlow frees the table when neither this layer nor a graph refers to it any more.
    initial = tf.lookup.KeyValueTensorInitializer(keys, places, tf.int64, tf.int64)
    return tf.lookup.StaticHashTable(initial, -1, experimental_is_anonymous=True)


def _hash_of(indptr: np.ndarray, items: np.ndarray) -> int:
    """A non-zero int64 that differs for different pairs; 0 where there are none."""
    if not len(items):
        return 0
    digest = hashlib.blake2b(digest_size=7)
    digest.update(indptr.astype("<i8").tobytes())
    digest.update(items.astype("<i4").tobytes())
    return int.from_bytes(digest.digest(), "little") + 1
