"""Raw ids to codes and back, in the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf.numerics import Tensor


class IdTable(NamedTuple):
    """Ids and the hash table that finds their codes `0 .. n - 1`; make one with `IdTable.of`.

    Unlike `tf.keras.layers.StringLookup` it reserves no id: `"[UNK]"`, `""` and `-1` are ids like any other.

    Attributes:
        keys: the ids, `(n,)` string or int64, a tensor or a variable.
        table: a `tf.lookup.StaticHashTable` from ids to codes.

    Example:

    >>> table = IdTable.of(np.array(["a", "b"], dtype=object))
    >>> table.codes(tf.constant(["b", "c"])).numpy().tolist()
    [1, -1]
    """

    keys: Tensor
    table: Any

    @classmethod
    def of(cls, ids: np.ndarray, variable: str | None = None) -> IdTable:
        """A table of distinct ids.

        Args:
            ids: an int64 array or an object array of `str`, `(n,)`.
            variable: keeps the ids in a `tf.Variable` of this name, from which the table is filled whenever a SavedModel that
                holds it is loaded. A constant would be part of the graph, which is limited to 2 GB and would hold the ids
                twice. None: a constant.
        """
        dtype = tf.int64 if ids.dtype.kind == "i" else tf.string
        keys = tf.constant(ids.tolist(), dtype)
        if variable is not None:
            keys = tf.Variable(keys, trainable=False, name=variable)
        # Anonymous: the table goes when nothing refers to it any more.
        table = tf.lookup.StaticHashTable(_Filled(keys), default_value=-1, experimental_is_anonymous=variable is None)
        return cls(keys, table)

    def codes(self, ids: Tensor) -> Tensor:
        """Ids of any shape -> codes, int32 of the same shape; -1 for an unknown id."""
        return tf.cast(self.table.lookup(ids), tf.int32)

    def raw(self, codes: Tensor) -> Tensor:
        """Codes of any shape -> ids of the same shape; `""`, or -1 for integer ids, where the code is -1."""
        return entries_or(self.keys, codes, "" if self.keys.dtype == tf.string else -1)


class _Filled:
    """What `StaticHashTable` asks of an initializer, with keys that are read when the table is filled."""

    value_dtype = tf.int64
    # Empty: the table takes a name that no other table of the process has.
    _shared_name = ""

    def __init__(self, keys: Tensor) -> None:
        self._keys = keys
        self.key_dtype = keys.dtype

    def initialize(self, table: tf.lookup.StaticHashTable) -> tf.Operation:
        keys = tf.convert_to_tensor(self._keys)
        values = tf.range(tf.size(keys, tf.int64))
        return tf.raw_ops.InitializeTableV2(table_handle=table.resource_handle, keys=keys, values=values)


def entries_or(values: Tensor, codes: Tensor, nothing: str | int) -> Tensor:
    """The entries of `values`, `(n,)`, at codes of any shape; `nothing` where the code is -1."""
    return tf.where(codes < 0, tf.constant(nothing, values.dtype), tf.gather(values, tf.maximum(codes, 0)))
