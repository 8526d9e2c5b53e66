"""The Keras layer that holds a vocabulary and saves it with the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.arrays import load_arrays, save_arrays
from hyperml_tf.tables.id_table import IdTable
from hyperml_tf.tables.ids import id_array

_FILE = "ids.npz"


@register
class IdLookup(tf.keras.layers.Layer):
    """Turns raw ids into codes `0 .. n - 1`, and unknown ids into -1.

    The ids are not part of `get_config`, which holds their number only: a `.keras` file keeps them as an asset of the layer, as
    Keras's own lookup layers do. A layer made by `from_config` has no ids until these are loaded or set.

    Args:
        ids: the distinct ids, strings or integers, in the order of their codes; or their number, where they are set later.
        id_dtype: "string" or "int64", where `ids` is a number. Defaults to "string".
        **kwargs: as for every Keras layer.

    Input shape:
        Raw ids, `(...)`, strings or integers as the known ids are.

    Output shape:
        Codes, `(...)`, int32.

    Raises:
        ValueError: if `ids` is empty, repeats an id, or is neither all strings nor all integers.

    Example:

    >>> IdLookup(["a", "b"])(["b", "c"]).numpy().tolist()
    [1, -1]
    """

    def __init__(
        self,
        ids: Sequence[Any] | np.ndarray | int,
        id_dtype: Literal["string", "int64"] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self._ids: np.ndarray | None = None
        self._table: IdTable | None = None
        if isinstance(ids, (int, np.integer)):
            if ids < 1:
                raise ValueError(f"`ids` must be a list of ids, or their number, at least 1. Received: ids={ids}")
            self._size = int(ids)
            self.id_dtype = id_dtype or "string"
        else:
            self.set_ids(ids)

    def set_ids(self, ids: Sequence[Any] | np.ndarray) -> None:
        """Sets the vocabulary of a layer that was made with its size alone.

        Raises:
            ValueError: as for the class; and if the layer has ids already, or another number of them is expected.
        """
        array = id_array(ids, "ids")
        if self._ids is not None:
            raise ValueError("`ids` are set already: make a new layer for other ids.")
        if len(array) != getattr(self, "_size", len(array)):
            raise ValueError(f"`ids` must be {self._size} ids, as many as there are rows. Received: {len(array)}")
        if len(np.unique(array)) != len(array):
            values, counts = np.unique(array, return_counts=True)
            raise ValueError(f"`ids` must be distinct. Received {values[counts > 1][0]!r} more than once.")
        self._ids, self._size = array, len(array)
        # Outside any graph that is being traced: the table is part of the layer, not of the graph.
        with tf.init_scope():
            self._table = IdTable.of(array)
        self.id_dtype = self._table.keys.dtype.name

    @property
    def ids(self) -> np.ndarray:
        """The vocabulary, int64 or object array of `str`, `(n,)`.

        Raises:
            ValueError: if the layer comes from a config and its ids were neither loaded nor set.
        """
        if self._ids is None:
            raise self._unknown()
        return self._ids

    @property
    def table(self) -> IdTable:
        """The vocabulary as a table of the graph.

        Raises:
            ValueError: as for `ids`.
        """
        if self._table is None:
            raise self._unknown()
        return self._table

    def _is_sketched(self) -> bool:
        """Whether a graph is made without ids, as Keras does where it builds a functional model before it loads its assets."""
        return self._ids is None and not tf.executing_eagerly()

    def _sketch(self, like: Tensor, value: Any) -> Tensor:
        """An output of the right shape and dtype, for a graph that must not run."""
        with tf.control_dependencies([tf.debugging.Assert(False, [str(self._unknown())])]):
            return tf.fill(tf.shape(like), value)

    def _unknown(self) -> ValueError:
        return ValueError(
            f"The {self._size} ids of the layer {self.name!r} are not known: a config holds their number only. Load the model "
            "from its `.keras` file, make it with its ids, or call `set_ids`."
        )

    def __len__(self) -> int:
        return self._size

    def call(self, inputs: Tensor) -> Tensor:
        ids = tf.convert_to_tensor(inputs)
        if self._is_sketched():
            return self._sketch(ids, -1)
        table = self.table
        if ids.dtype.is_integer != table.keys.dtype.is_integer:
            expected = "integers" if table.keys.dtype.is_integer else "strings"
            raise TypeError(f"`inputs` must be {expected}, as the known ids are. Received: dtype={ids.dtype.name}")
        return table.codes(tf.cast(ids, table.keys.dtype))

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        # Lists of strings or numbers are fine as inputs here; Keras would take them for several tensors.
        return super().__call__(tf.convert_to_tensor(inputs), *args, **kwargs)

    def raw(self, codes: Tensor) -> Tensor:
        """Codes, `(...)` -> raw ids, `(...)`; `""`, or -1 for integer ids, where the code is -1."""
        if self._is_sketched():
            return self._sketch(codes, tf.zeros([], self.id_dtype))
        return self.table.raw(codes)

    def raw_array(self, codes: np.ndarray) -> np.ndarray:
        """As `raw`, as an array of the dtype of `ids`."""
        ids = self.ids[np.maximum(codes, 0)]
        ids[codes < 0] = -1 if ids.dtype.kind == "i" else ""
        return ids

    def save_assets(self, dir_path: str) -> None:
        save_arrays(Path(dir_path) / _FILE, {"ids": self.ids})

    def load_assets(self, dir_path: str) -> None:
        ids = load_arrays(Path(dir_path) / _FILE)["ids"]
        if self._ids is None:
            self.set_ids(ids)
        elif not np.array_equal(self._ids, ids):
            raise ValueError(f"The layer {self.name!r} has other ids than the file that is loaded into it.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": len(self), "id_dtype": self.id_dtype}
