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
        self._pairs = _places(queries * self.n_candidates + self.indices) if len(self.indices) else None
        self._indptr = tf.constant(self.indptr)
        self._indices = tf.constant(self.indices)

    def set_interactions(self, interactions: Interactions) -> None:
        """Replaces the pairs by the rows of a table, which keep their order."""
        indptr = np.concatenate([[0], np.cumsum(interactions.activity())])
        self.set(indptr, interactions.items, interactions.n_items)

    def share(self, other: SeenItems) -> None:
        """Takes over the pairs of another layer, without making its tables again."""
        for name in ("indptr", "indices", "n_candidates", "_pairs", "_indptr", "_indices"):
            setattr(self, name, getattr(other, name))

    def __len__(self) -> int:
        return len(self.indices)

    def find(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Where in `indices` each pair is, -1 for one that is not known; codes of one shape -> int64 of that shape."""
        if self._pairs is None:
            return tf.fill(tf.shape(queries), tf.constant(-1, tf.int64))
        return self._pairs.lookup(tf.cast(queries, tf.int64) * self.n_candidates + tf.cast(candidates, tf.int64))

    def contains(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Whether each pair is known; codes of one shape -> bool of that shape."""
        return self.find(queries, candidates) >= 0

    def pairs_of(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """The known pairs of a batch of queries: (position in the batch, candidate), both `(pairs,)`, int32; of -1 none."""
        owners, candidates, _ = self.histories(queries)
        return owners, candidates

    def counts(self, queries: Tensor) -> Tensor:
        """The number of known candidates of each query, of the shape of `queries`, int32."""
        if not len(self):
            return tf.zeros(tf.shape(queries), tf.int32)
        return tf.cast(tf.gather(self._indptr, queries + 1) - tf.gather(self._indptr, queries), tf.int32)

    def histories(self, queries: Tensor, newest: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The known candidates of a batch of queries, those of each from the oldest to the newest.

        Args:
            queries: codes, `(batch,)`; -1 has no candidates.
            newest: at most so many of each, the newest; None: all.

        Returns:
            Position in the batch, candidate, and how many newer ones the query has, all `(pairs,)` int32.
        """
        if not len(self):
            return (tf.zeros([0], tf.int32),) * 3
        known = tf.maximum(queries, 0)
        starts = tf.gather(self._indptr, known)
        limits = tf.where(queries < 0, starts, tf.gather(self._indptr, known + 1))
        starts = starts if newest is None else tf.maximum(starts, limits - newest)
        where = tf.ragged.range(starts, limits)
        owners = tf.cast(where.value_rowids(), tf.int32)
        newer = tf.cast(tf.gather(limits, owners) - 1 - where.values, tf.int32)
        return owners, tf.gather(self._indices, where.values), newer

    def around(
        self, queries: Tensor, candidates: Tensor, size: int, window: float | None, seed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Some known candidates of each query, near the place that one of them has in its history, and without that one.

        Of at most `size` all are returned. Of more, `size` are drawn, which may repeat: so many places before or after the one
        left out, with a mean of `window`; or anywhere, if `window` is None or the one left out is not known.

        Args:
            queries: codes, `(batch,)`.
            candidates: codes of the candidates to leave out, `(batch,)`.
            size: columns of the result.
            window: mean distance in places, > 0, or None.
            seed: two integers; the same seed draws the same.

        Returns:
            Candidate codes int32 and whether each entry is one (the others mean nothing), both `(batch, size)`.
        """
        shape = [tf.shape(queries)[0], size]
        if not len(self):
            return tf.zeros(shape, tf.int32), tf.zeros(shape, tf.bool)
        counts = self.counts(queries)[:, tf.newaxis]
        start = tf.gather(self._indptr, queries)[:, tf.newaxis]
        place = tf.cast(self.find(queries, candidates)[:, tf.newaxis] - start, tf.int32)
        share = tf.random.stateless_uniform(shape, seed)
        # A product may round up to the count itself.
        anywhere = tf.minimum(tf.cast(share * tf.cast(counts, tf.float32), tf.int32), counts - 1)
        drawn = tf.where(place < 0, anywhere, place + _steps(share, window)) if window is not None else anywhere
        drawn = tf.where(counts <= size, tf.range(size), drawn)
        inside = (drawn >= 0) & (drawn < counts)
        # What is outside, or of a query without candidates, reads some row.
        rows = tf.clip_by_value(start + tf.cast(drawn, tf.int64), 0, len(self) - 1)
        found = tf.gather(self._indices, rows)
        return found, inside & (found != candidates[:, tf.newaxis])

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


def _places(keys: np.ndarray) -> tf.lookup.StaticHashTable:
    """A table that holds the place of each key and -1 for everything else.

    A binary search in the sorted keys would miss the cache at every halving: with ten million keys this is three times as fast.
    """
    places = np.arange(len(keys), dtype=np.int64)
    in_order = np.sort(keys)
    if np.any(in_order[1:] == in_order[:-1]):
        # A table takes a key once; of a repeated pair the first place counts.
        keys, places = np.unique(keys, return_index=True)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, places, tf.int64, tf.int64), -1)


def _steps(share: Tensor, mean: float) -> Tensor:
    """Numbers uniform in [0, 1) -> steps away from 0 in both directions, at least 1, of about this mean size, int32."""
    backward = share < 0.5
    # What is left of the number after the choice of a direction is uniform too, in (0, 1].
    rest = 1.0 - tf.where(backward, 2.0 * share, 2.0 * share - 1.0)
    size = tf.minimum(tf.math.ceil(-mean * tf.math.log(rest)), 2.0**30)
    size = tf.cast(tf.maximum(size, 1.0), tf.int32)
    return tf.where(backward, -size, size)
