"""Raw ids to codes, in the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor


@register
class IdLookup(tf.keras.layers.Layer):
    """Turns raw ids into codes `0 .. n - 1`, and unknown ids into -1.

    Unlike `tf.keras.layers.StringLookup` it reserves no id: `"[UNK]"`, `""` and `-1` are ids like any other.

    Args:
        ids: the distinct ids, strings or integers, in the order of their codes.

    Raises:
        ValueError: if `ids` is empty, repeats an id, or is neither of strings nor of integers.

    Example:

    >>> IdLookup(["a", "b"])(["b", "c"]).numpy().tolist()
    [1, -1]
    """

    def __init__(self, ids: Sequence[Any] | np.ndarray, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.ids = id_array(ids, "ids")
        if len(np.unique(self.ids)) != len(self.ids):
            values, counts = np.unique(self.ids, return_counts=True)
            raise ValueError(f"`ids` must be distinct. Received {values[counts > 1][0]!r} more than once.")
        self.key_dtype = tf.int64 if self.ids.dtype.kind == "i" else tf.string
        self._keys = tf.constant(self.ids.tolist(), self.key_dtype)
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(self._keys, tf.range(len(self.ids), dtype=tf.int64)), default_value=-1
        )

    def __len__(self) -> int:
        return len(self.ids)

    def call(self, inputs: Tensor) -> Tensor:
        """Raw ids, any shape -> codes int32, the same shape."""
        ids = tf.convert_to_tensor(inputs)
        if ids.dtype.is_integer != self.key_dtype.is_integer:
            expected = "integers" if self.key_dtype.is_integer else "strings"
            raise TypeError(f"`inputs` must be {expected}, as the known ids are. Received: dtype={ids.dtype.name}")
        return tf.cast(self._table.lookup(tf.cast(ids, self.key_dtype)), tf.int32)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        # Lists of strings or numbers are fine as inputs here; Keras would take them for several tensors.
        return super().__call__(tf.convert_to_tensor(inputs), *args, **kwargs)

    def raw(self, codes: Tensor) -> Tensor:
        """Codes, any shape -> raw ids, the same shape."""
        return tf.gather(self._keys, codes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": self.ids.tolist()}


def id_array(ids: Any, name: str) -> np.ndarray:
    """Ids as an int64 array or an object array of `str`."""
    array = np.asarray(ids)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"`{name}` must be a non-empty list of ids. Received: shape {array.shape}")
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype.kind == "S" or (array.dtype.kind == "O" and all(isinstance(v, bytes) for v in array)):
        return np.array([v.decode() for v in array.tolist()], dtype=object)
    if array.dtype.kind == "U" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array)):
        return _text(array.astype(object), name)
    raise ValueError(f"`{name}` must be all strings or all integers. Received: dtype {array.dtype}, first {array[0]!r}")


def _text(ids: np.ndarray, name: str) -> np.ndarray:
    """The same, checked: TensorFlow holds text in UTF-8, and says nothing of which id it cannot hold."""
    try:
        "".join(ids.tolist()).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"`{name}` must be text that UTF-8 can hold: no half of a surrogate pair. Received: {error.object[error.start]!r}"
        ) from error
    return ids
