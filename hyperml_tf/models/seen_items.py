"""What each user has interacted with: looked up while training, evaluating and recommending."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.data.interactions import Interactions
from hyperml_tf.numerics import Tensor


@register
class SeenItems(tf.keras.layers.Layer):
    """The pairs (query, candidate) known so far, as a compressed sparse matrix and as a hash table.

    It is data, not weights, so Keras neither trains nor counts it; it is saved with the model.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set(np.zeros(1, np.int64), np.zeros(0, np.int32), n_candidates=1)

    def set(self, indptr: np.ndarray, indices: np.ndarray, n_candidates: int) -> None:
        """Replaces the pairs: the candidates of query `u` are `indices[indptr[u]:indptr[u + 1]]`, oldest first."""
        self.indptr = np.asarray(indptr, np.int64)
        self.indices = np.asarray(indices, np.int32)
        self.n_candidates = int(n_candidates)
        queries = np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int64), np.diff(self.indptr))
        self._pairs = _set_of(queries * self.n_candidates + self.indices) if len(self.indices) else None
        self._indptr = tf.constant(self.indptr)
        self._indices = tf.constant(self.indices)

    def set_interactions(self, interactions: Interactions) -> None:
        """Replaces the pairs by the rows of a table, which keep their order."""
        indptr = np.concatenate([[0], np.cumsum(interactions.activity())])
        self.set(indptr, interactions.items, interactions.n_items)

    def __len__(self) -> int:
        return len(self.indices)

    def contains(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Whether each pair is known; codes of one shape -> bool of that shape."""
        if self._pairs is None:
            return tf.zeros(tf.shape(queries), tf.bool)
        keys = tf.cast(queries, tf.int64) * self.n_candidates + tf.cast(candidates, tf.int64)
        return self._pairs.lookup(keys) > 0

    def pairs_of(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """The known pairs of a batch of queries: (position in the batch, candidate), both `(pairs,)`, int32."""
        if not len(self):
            return tf.zeros([0], tf.int32), tf.zeros([0], tf.int32)
        starts, limits = tf.gather(self._indptr, queries), tf.gather(self._indptr, queries + 1)
        where = tf.ragged.range(starts, limits)
        return tf.cast(where.value_rowids(), tf.int32), tf.gather(self._indices, where.values)

    def counts(self, queries: Tensor) -> Tensor:
        """The number of known candidates of each query, of the shape of `queries`, int32."""
        if not len(self):
            return tf.zeros(tf.shape(queries), tf.int32)
        return tf.cast(tf.gather(self._indptr, queries + 1) - tf.gather(self._indptr, queries), tf.int32)

    def sample(self, queries: Tensor, size: int, seed: Tensor) -> tuple[Tensor, Tensor]:
        """Known candidates of each query: all of them where there are at most `size`, else `size` draws, which may repeat.

        Args:
            queries: codes, `(batch,)`.
            size: columns of the result.
            seed: two integers; the same seed draws the same.

        Returns:
            Candidate codes int32 and whether each entry is one (the others mean nothing), both `(batch, size)`.
        """
        shape = [tf.shape(queries)[0], size]
        if not len(self):
            return tf.zeros(shape, tf.int32), tf.zeros(shape, tf.bool)
        counts, columns = self.counts(queries)[:, tf.newaxis], tf.range(size)
        share = tf.random.stateless_uniform(shape, seed)
        drawn = tf.cast(share * tf.cast(counts, tf.float32), tf.int32)
        # A product may round up to the count itself; a query without candidates reads some row, which is not used.
        position = tf.clip_by_value(tf.where(counts <= size, columns, drawn), 0, tf.maximum(counts - 1, 0))
        start = tf.minimum(tf.gather(self._indptr, queries), len(self) - 1)
        rows = start[:, tf.newaxis] + tf.cast(position, tf.int64)
        return tf.gather(self._indices, rows), columns < counts

    def padded(self, queries: np.ndarray) -> np.ndarray:
        """The known candidates of each query as a matrix padded with -1, `(batch, longest)`; unknown queries (-1) have none."""
        if not len(self):
            return np.full((len(queries), 0), -1, np.int32)
        known = np.maximum(queries, 0)
        lengths = np.where(queries < 0, 0, self.indptr[known + 1] - self.indptr[known])
        columns = np.arange(lengths.max(initial=0))
        inside = columns < lengths[:, None]
        positions = np.where(inside, self.indptr[known][:, None] + columns, 0)
        return np.where(inside, self.indices[positions], -1)

    def save_own_variables(self, store: Any) -> None:
        store["indptr"], store["indices"] = self.indptr, self.indices
        store["n_candidates"] = np.array(self.n_candidates)

    def load_own_variables(self, store: Any) -> None:
        self.set(store["indptr"][...], store["indices"][...], int(np.asarray(store["n_candidates"])))


def _set_of(keys: np.ndarray) -> tf.lookup.StaticHashTable:
    """A table that holds 1 for the keys and 0 for everything else.

    A binary search in the sorted keys would miss the cache at every halving: with ten million keys this is three times as fast.
    """
    ones = np.ones(len(keys), np.int32)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, ones, tf.int64, tf.int32), 0)
