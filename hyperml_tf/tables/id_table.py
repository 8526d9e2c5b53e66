"""A mapping between raw ids and integer codes, for use in graphs."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.id_list import IdList


@names_arguments
class IdTable(NamedTuple):
    """A vocabulary with a hash table from ids to codes `0` to `n - 1`, made by `IdTable.of`.

    Unlike `tf.keras.layers.StringLookup`, it has no reserved ids: `"[UNK]"`, `""` and `-1` are ordinary ids.

    Attributes:
        keys: The ids, `(n,)`, string or int64; a tensor or a variable.
        table: A `tf.lookup.StaticHashTable` from ids to codes.

    Example:

    >>> table = IdTable.of(["a", "b"])
    >>> table.codes(tf.constant(["b", "c"])).numpy().tolist()
    [1, -1]
    """

    keys: Tensor
    table: Any

    @classmethod
    def of(cls, ids: Any, variable: str | None = None) -> IdTable:
        """Creates a table of distinct ids.

        Args:
            ids: An `IdList`, or ids from which it is made.
            variable: Optional string, the name of a `tf.Variable` for the ids. Loading a SavedModel fills the table from the
                variable; constants would be stored twice, in a graph that is limited to 2 GB. Defaults to `None`, a constant.
        """
        keys = IdList.of(ids, "ids").tensor()
        if variable is not None:
            keys = tf.Variable(keys, trainable=False, name=variable)
        return cls.over(keys)

    @classmethod
    def over(cls, keys: Tensor) -> IdTable:
        """Creates a table of the ids in a tensor or a variable, `(n,)`, at least one."""
        # Anonymous, so that the table is freed with the last reference to it; but a SavedModel fills it from a variable.
        anonymous = not isinstance(keys, tf.Variable)
        table = tf.lookup.StaticHashTable(_Filled(keys), default_value=-1, experimental_is_anonymous=anonymous)
        return cls(keys, table)

    def codes(self, ids: Tensor) -> Tensor:
        """Returns the int32 codes of ids, `(...)`; -1 for unknown ids."""
        return tf.cast(self.table.lookup(tf.convert_to_tensor(ids)), tf.int32)

    def raw(self, codes: Tensor) -> Tensor:
        """Returns the raw ids of codes, `(...)`; `""`, or -1 for integer ids, if the code is -1."""
        return entries_or(self.keys, codes, "" if self.keys.dtype == tf.string else -1)


class _Filled:
    """A table initializer that reads its keys when the table is initialized, from a variable if they are in one."""

    value_dtype = tf.int64
    # If empty, the table gets a name that is unique in the process.
    _shared_name = ""

    def __init__(self, keys: Tensor) -> None:
        self._keys = keys
        self.key_dtype = keys.dtype

    def initialize(self, table: tf.lookup.StaticHashTable) -> tf.Operation:
        keys = tf.convert_to_tensor(self._keys)
        values = tf.range(tf.size(keys, tf.int64))
        return tf.raw_ops.InitializeTableV2(table_handle=table.resource_handle, keys=keys, values=values)


def entries_or(values: Tensor, codes: Tensor, nothing: str | int) -> Tensor:
    """Gathers the entries of `values`, `(n,)`, at codes, `(...)`; `nothing` if the code is -1."""
    return tf.where(codes < 0, tf.constant(nothing, values.dtype), tf.gather(values, tf.maximum(codes, 0)))
