"""Ids inside an export: text to codes and back."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from hyperml_tf.numerics import Tensor


class IdTable(tf.Module):
    """Ids as text, and a table that finds their codes `0 .. n - 1`.

    The ids are a variable, which is stored beside the graph: a graph is limited to 2 GB, and would hold them twice. The table is
    filled from the variable whenever the export is loaded.

    Args:
        ids: `(n,)` distinct ids; integers become their decimal text.
        name: name of the variable.
    """

    def __init__(self, ids: np.ndarray, name: str) -> None:
        super().__init__(name=name)
        self.ids = tf.Variable([str(value) for value in ids.tolist()], trainable=False, name=name)
        self.table = tf.lookup.StaticHashTable(_FromVariable(self.ids), default_value=-1)

    def lookup(self, ids: Tensor) -> Tensor:
        """Ids, any shape -> codes int32, the same shape; -1 for an unknown id."""
        return tf.cast(self.table.lookup(ids), tf.int32)

    def raw(self, codes: Tensor) -> Tensor:
        """Codes, any shape -> ids, the same shape; `""` for -1."""
        return text_or_nothing(self.ids, codes)


class _FromVariable:
    """What `StaticHashTable` asks of an initializer, with keys that are read from a variable when the table is filled."""

    key_dtype, value_dtype = tf.string, tf.int64
    # Empty: the table takes a name that no other table of the process has.
    _shared_name = ""

    def __init__(self, keys: tf.Variable) -> None:
        self._keys = keys

    def initialize(self, table: tf.lookup.StaticHashTable) -> tf.Operation:
        keys = self._keys.read_value()
        values = tf.range(tf.size(keys, tf.int64))
        return tf.raw_ops.InitializeTableV2(table_handle=table.resource_handle, keys=keys, values=values)


def text_or_nothing(values: Tensor, codes: Tensor) -> Tensor:
    """The values `(n,)` of some codes, any shape; `""` where the code is -1."""
    return tf.where(codes < 0, "", tf.gather(values, tf.maximum(codes, 0)))
