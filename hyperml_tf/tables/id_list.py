"""A vocabulary in compact form."""

from __future__ import annotations

import numbers
import weakref
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.fingerprint import fingerprint
from hyperml_tf.tables.ids import id_array

# Ids that are Python strings at a time, while a tensor is made.
_BLOCK = 2**18


@names_arguments
class IdList:
    """Ids in the order of their codes: 8 bytes each, and the UTF-8 of text, where a Python string takes 57 and its text.

    Args:
        values: An Arrow array, int64 or large_string, without nulls. `IdList.of` makes it from ids of any kind.

    Example:

    >>> ids = IdList.of(["a", "b"], "ids")
    >>> len(ids), ids.dtype, ids.take(np.array([1, 1])).tolist()
    (2, 'string', ['b', 'b'])
    """

    def __init__(self, values: Any) -> None:
        self.values = values
        # The ids as NumPy has them, for as long as somebody holds them.
        self._array: Any = lambda: None

    @classmethod
    def of(cls, ids: Any, name: str) -> IdList:
        """Creates a list of ids.

        Args:
            ids: As for `id_array`; or an `IdList`, or an Arrow array of text or of integers.
            name: String, name of the argument in error messages.

        Raises:
            ValueError: If `ids` is anything else, or empty.
        """
        if isinstance(ids, IdList):
            return ids
        if isinstance(ids, (pa.Array, pa.ChunkedArray)):
            return cls(_checked(ids, name))
        array = id_array(ids, name)
        made = cls(pa.array(array, pa.int64() if array.dtype == np.int64 else pa.large_string()))
        made._array = weakref.ref(array)
        return made

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdList) and (self.values is other.values or bool(self.values.equals(other.values)))

    __hash__ = None  # type: ignore[assignment]  # two lists are equal if their ids are, and may be large

    @property
    def dtype(self) -> Literal["string", "int64"]:
        """The name of the dtype of a tensor of the ids."""
        return "int64" if self.values.type == pa.int64() else "string"

    def array(self) -> np.ndarray:
        """Returns the ids, an int64 array or an object array of `str`; the same one while somebody holds it."""
        held = self._array()
        if held is None:
            held = self.values.to_numpy(zero_copy_only=False)
            self._array = weakref.ref(held)
        return held

    def take(self, places: np.ndarray) -> np.ndarray:
        """Returns the ids at some places, as `array` has them, in the shape of `places`."""
        found = self.values.take(pa.array(places.ravel())).to_numpy(zero_copy_only=False)
        return np.array(found).reshape(places.shape)

    def tensor(self) -> Tensor:
        """Returns the ids as a tensor of TensorFlow, `(n,)`."""
        if self.dtype == "int64":
            return tf.constant(self.values.to_numpy())
        return tf.concat([tf.constant(part, tf.string) for part in self.blocks(_BLOCK)], axis=0)

    def blocks(self, size: int) -> Iterator[list[Any]]:
        """Yields the ids as Python has them, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.values.slice(start, size).to_numpy(zero_copy_only=False).tolist()

    def as_text(self) -> IdList:
        """Returns the ids as text; integers in decimal."""
        return self if self.dtype == "string" else IdList(self.values.cast(pa.large_string()))

    def fingerprint(self) -> int:
        """Returns the hash of the ids, see `hyperml_tf.tables.fingerprint`."""
        return fingerprint(self.values)

    def repeated(self) -> str | int | None:
        """Returns an id that is in the list more than once; `None` if all are distinct."""
        # Sorted numbers take 8 bytes per id, a hash table of the ids more than 100.
        numbers = self.values.to_numpy() if self.dtype == "int64" else self._hashes()
        in_order = np.sort(numbers)
        twice = in_order[1:][in_order[1:] == in_order[:-1]]
        met = set()
        # Different texts may have the same hash.
        for one in self.take(np.flatnonzero(np.isin(numbers, twice))).tolist() if len(twice) else ():
            if one in met:
                return one
            met.add(one)
        return None

    def _hashes(self) -> np.ndarray:
        """A number for each text, the same for the same one."""
        parts = (tf.strings.to_hash_bucket_fast(part, np.iinfo(np.int64).max) for part in self.blocks(_BLOCK))
        return np.concatenate([part.numpy() for part in parts])


def vocabulary(**value: Any) -> IdList | int:
    """Returns the ids of an argument as a list of ids, or their number if it is that which is given.

    Example:

    >>> vocabulary(query_ids=["a", "b"]).dtype, vocabulary(candidate_ids=3)
    ('string', 3)
    """
    [(name, given)] = value.items()
    if not isinstance(given, numbers.Integral) or isinstance(given, bool):
        return IdList.of(given, name)
    number = int(given)
    if not 1 <= number < 2**31:
        raise ValueError(
            f"`{name}` must be a list of ids, or their number, at least 1 and less than 2**31. Received: {name}={number}"
        )
    return number


def _checked(ids: Any, name: str) -> Any:
    """An Arrow array of ids as int64 or large_string, in one piece."""
    kind = pa.int64() if pa.types.is_integer(ids.type) else pa.large_string()
    if not len(ids) or ids.null_count or not (pa.types.is_integer(ids.type) or _is_text(ids.type)):
        raise ValueError(
            f"`{name}` must be a non-empty array of text or of integers, without nulls. Received: {len(ids)} values of "
            f"type {ids.type}, {ids.null_count} of them null"
        )
    ids = ids.cast(kind)
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)
