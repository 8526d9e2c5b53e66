"""A Keras layer that maps raw ids to integer codes."""

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
    """Maps raw ids to integer codes `0` to `n - 1`, and unknown ids to -1.

    The vocabulary is not in the config, which only has its size: `.keras` files store it as an asset, as those of Keras's own
    lookup layers. A layer from `from_config` has no vocabulary until it is loaded or set.

    Args:
        ids: Distinct strings or integers, in the order of their codes; or their number if they are set later.
        id_dtype: String, "string" or "int64", if `ids` is a number. Defaults to `None`, "string".
        **kwargs: Base layer keyword arguments, such as `name`.

    Input shape:
        Raw ids, `(...)`, of the dtype of the vocabulary.

    Output shape:
        Codes, `(...)`, int32.

    Raises:
        ValueError: If `ids` is empty, not unique, or neither all strings nor all integers.

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
        """Sets the vocabulary of a layer that was made with its size only.

        Args:
            ids: Distinct strings or integers, in the order of their codes.

        Raises:
            ValueError: If `ids` are invalid or not of the expected number, or if the layer already has a vocabulary.
        """
        array = id_array(ids, "ids")
        if self._ids is not None:
            raise ValueError(f"`ids` are set already: make a new layer for other ids. Received: {len(array)} ids")
        if len(array) != getattr(self, "_size", len(array)):
            raise ValueError(f"`ids` must be {self._size} ids, as many as there are rows. Received: {len(array)} ids")
        if len(np.unique(array)) != len(array):
            values, counts = np.unique(array, return_counts=True)
            raise ValueError(f"`ids` must be distinct. Received: {values[counts > 1][0]!r} more than once")
        self._ids, self._size = array, len(array)
        # Outside of any graph that is being traced, because the table belongs to the layer.
        with tf.init_scope():
            self._table = IdTable.of(array)
        self.id_dtype = self._table.keys.dtype.name

    @property
    def ids(self) -> np.ndarray:
        """The vocabulary, `(n,)`, an int64 array or an object array of `str`.

        Raises:
            ValueError: If the layer comes from a config and its vocabulary was neither loaded nor set.
        """
        if self._ids is None:
            raise self._unknown()
        return self._ids

    @property
    def table(self) -> IdTable:
        """The vocabulary as an `IdTable`.

        Raises:
            ValueError: If the layer comes from a config and its vocabulary was neither loaded nor set.
        """
        if self._table is None:
            raise self._unknown()
        return self._table

    def _is_sketched(self) -> bool:
        """Whether a graph is traced without a vocabulary, as when Keras rebuilds a functional model before loading its assets."""
        return self._ids is None and not tf.executing_eagerly()

    def _sketch(self, like: Tensor, value: Any) -> Tensor:
        """A placeholder output of the right shape and dtype, which raises when it is evaluated."""
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
        # Keras would take a list of ids for a list of tensors.
        return super().__call__(tf.convert_to_tensor(inputs), *args, **kwargs)

    def raw(self, codes: Tensor) -> Tensor:
        """Returns the raw ids of codes, `(...)`; `""`, or -1 for integer ids, if the code is -1."""
        codes = tf.convert_to_tensor(codes)
        if self._is_sketched():
            return self._sketch(codes, tf.zeros([], self.id_dtype))
        return self.table.raw(codes)

    def raw_array(self, codes: np.ndarray) -> np.ndarray:
        """Returns the raw ids of codes as a NumPy array; see `raw`."""
        ids = self.ids[np.maximum(codes, 0)]
        ids[codes < 0] = -1 if ids.dtype.kind == "i" else ""
        return ids

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary to a directory; Keras calls it when it saves the model."""
        save_arrays(Path(dir_path) / _FILE, {"ids": self.ids})

    def load_assets(self, dir_path: str) -> None:
        """Reads the vocabulary from a directory; Keras calls it when it loads the model."""
        ids = load_arrays(Path(dir_path) / _FILE)["ids"]
        if self._ids is None:
            self.set_ids(ids)
        elif not np.array_equal(self._ids, ids):
            raise ValueError(f"The layer {self.name!r} has other ids than the file that is loaded into it.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": len(self), "id_dtype": self.id_dtype}
