"""The interaction histories of users, as part of the state of a model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.data.interactions import Interactions
from hyperml_tf.distribution import has_workers
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.fingerprint import fingerprint
from hyperml_tf.tables.histories import Histories, padded


@names_arguments
@register
class SeenItems(tf.keras.layers.Layer):
    """Holds the interaction histories of all users, each from the oldest to the newest item.

    The histories are non-trainable weights of variable size, so that checkpoints of every format save and restore them. A hash
    table for fast membership tests is derived from them when it is needed.

    Args:
        n_users: Integer >= 1, number of users.
        n_items: Integer >= 1, size of the catalogue.
        **kwargs: Base layer keyword arguments, such as `name`.

    Input shape:
        None: the layer is not called, but read by its methods.

    Output shape:
        None.

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
        strategy = tf.distribute.get_strategy()
        # Strategies cannot be copied, and of others nothing depends on it.
        self._strategy = strategy if has_workers(strategy) else None
        with _whole(strategy):
            self.histories = Histories.of(*nothing, variables="seen")
        # A hash of the pairs. When it changes, the hash table is rebuilt and graphs that captured it are retraced.
        self._version = self.add_weight(
            name="version", shape=(), dtype=tf.int64, trainable=False, initializer="zeros", experimental_autocast=False
        )
        self._places = _Places()
        self.built = True

    @property
    def strategy(self) -> tf.distribute.Strategy:
        """The `ParameterServerStrategy` in whose scope the layer was made; otherwise the current strategy."""
        return tf.distribute.get_strategy() if self._strategy is None else self._strategy

    @property
    def indptr(self) -> np.ndarray:
        """Offsets of the users in `items`, `(n_users + 1,)`, int64."""
        return self.histories.indptr.numpy()

    @property
    def items(self) -> np.ndarray:
        """Item codes, sorted by user and then from the oldest to the newest, `(pairs,)`, int32."""
        return self.histories.items.numpy()[: len(self)]

    @property
    def users(self) -> np.ndarray:
        """User code of each entry of `items`, `(pairs,)`, int32."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.indptr))

    @property
    def version(self) -> int:
        """A hash of the pairs; 0 if there are none."""
        with tf.init_scope():
            return int(self._version.read_value())

    def __len__(self) -> int:
        with tf.init_scope():
            return int(self.histories.indptr[-1])

    def set(self, users: np.ndarray, items: np.ndarray) -> None:
        """Replaces all pairs.

        Args:
            users: Sorted user codes, `(pairs,)`.
            items: Item codes, from the oldest to the newest of each user, `(pairs,)`.
        """
        indptr = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=self.n_users))]).astype(np.int64)
        self.set_histories(indptr, items)

    def set_histories(self, indptr: np.ndarray, items: np.ndarray) -> None:
        """Replaces all pairs by those of histories in CSR format.

        Args:
            indptr: Offsets of the users in `items`, `(n_users + 1,)`, int64.
            items: Item codes, from the oldest to the newest of each user, `(pairs,)`.
        """
        items = np.asarray(items, np.int32)
        version = fingerprint(indptr, items) if len(items) else 0
        if version != self.version:
            self.histories.indptr.assign(indptr)
            self.histories.items.assign(padded(items))
            self._version.assign(version)

    def copy_from(self, other: SeenItems) -> None:
        """Takes over the pairs of another layer of the same sizes, and the hash table that is derived from them."""
        self.set_weights(other.get_weights())
        self._places = other._places

    def add(self, users: np.ndarray, items: np.ndarray) -> int:
        """Appends new pairs as the newest of their users; pairs that are known already keep their position.

        Args:
            users: Sorted user codes, `(pairs,)`.
            items: Item codes, from the oldest to the newest of each user, `(pairs,)`.

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
        """Replaces all pairs by the rows of an `Interactions` in the codes of the model."""
        self.set(interactions.users, interactions.items)

    def add_interactions(self, interactions: Interactions) -> int:
        """Appends the rows of an `Interactions` in the codes of the model; see `add`."""
        return self.add(interactions.users, interactions.items)

    @contextlib.contextmanager
    def replaced(self, interactions: Interactions) -> Iterator[None]:
        """Holds the rows of an `Interactions`, in the codes of the model, until the end of a `with` block."""
        former = self.get_weights()
        try:
            self.set_interactions(interactions)
            yield
        finally:
            self.set_weights(former)

    def prepare(self) -> None:
        """Builds the hash table of the current pairs, if it is not yet built."""
        self._places.of(self)

    def find(self, users: Tensor, items: Tensor) -> Tensor:
        """Returns the index of each pair in `items`, `(...)`, int64; -1 for unknown pairs."""
        return self._places.of(self).lookup(tf.cast(users, tf.int64) * self.n_items + tf.cast(items, tf.int64))

    def contains(self, users: Tensor, items: Tensor) -> Tensor:
        """Returns whether each pair is known, `(...)`, from user and item codes, `(...)` each."""
        return self.find(users, items) >= 0

    def window(self, users: Tensor, items: Tensor, before: int, after: int) -> Tensor:
        """Returns the items around one item of each user, without that item itself.

        Args:
            users: User codes, `(batch,)`.
            items: Item codes, `(batch,)`. An item that the user has not interacted with comes after the whole history.
            before: Integer >= 0, number of items before the item.
            after: Integer >= 0, number of items after the item.

        Returns:
            Item codes as from `Histories.window`, `(batch, before + 1 + after)`, with -1 instead of the item.
        """
        found = self.find(users, items)
        place = tf.cast(found - tf.gather(self.histories.indptr, users), tf.int32)
        window = self.histories.window(users, tf.where(found < 0, self.histories.counts(users), place), before, after)
        return tf.where(window == items[:, tf.newaxis], -1, window)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n_users": self.n_users, "n_items": self.n_items}


def _whole(strategy: tf.distribute.Strategy) -> contextlib.AbstractContextManager[Any]:
    """A scope in which parameter servers do not partition a variable: those beside another one are not."""
    if not has_workers(strategy):
        return contextlib.nullcontext()
    return strategy.extended.colocate_vars_with(tf.Variable(0, trainable=False))


class _Places:
    """The hash table from pairs to their index, built at its first use after the pairs have changed.

    With ten million pairs it is three times as fast as a binary search, which misses the cache in every step. It is not part of
    the state of the model, so Keras does not track it.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._table: Any = None

    def __deepcopy__(self, memo: dict[int, Any]) -> _Places:
        return _Places()

    def of(self, seen: SeenItems) -> Any:
        """Returns the table of the current pairs."""
        version = seen.version
        if version != self._version:
            strategy = seen.strategy
            with tf.init_scope(), strategy.scope() if has_workers(strategy) else contextlib.nullcontext():
                self._table = _places(seen.users.astype(np.int64) * seen.n_items + seen.items)
            self._version = version
        return self._table


def _places(keys: np.ndarray) -> tf.lookup.StaticHashTable:
    """A table from keys to their indices; -1 for other keys."""
    if not len(keys):
        keys = np.full(1, np.iinfo(np.int64).min)  # a table cannot be empty, and no pair has this key
    places = np.arange(len(keys), dtype=np.int64)
    in_order = np.sort(keys)
    if np.any(in_order[1:] == in_order[:-1]):
        # Keys of a table are unique: repeated pairs have the index of the first.
        keys, places = np.unique(keys, return_index=True)
    # Anonymous: TensorFlow frees the table when neither this layer nor a graph refers to it any more.
    initial = tf.lookup.KeyValueTensorInitializer(keys, places, tf.int64, tf.int64)
    return tf.lookup.StaticHashTable(initial, -1, experimental_is_anonymous=True)
