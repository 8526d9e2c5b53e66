"""A hash of arrays that fits into a weight."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from hyperml_tf.tables.arrays import utf8_of

# Numbers that are converted at a time.
_BLOCK = 2**20


def fingerprint(*arrays: Any) -> int:
    """Returns a hash of arrays of integers or of `str`, between 1 and 2^48, which float64 holds exactly.

    Args:
        *arrays: Arrays of one dimension, of NumPy, where text has dtype object, or of Arrow, int64 or large_string.

    Example:

    >>> fingerprint(np.array(["a", "bc"], dtype=object)) == fingerprint(np.array(["ab", "c"], dtype=object))
    False
    """
    digest = hashlib.blake2b(digest_size=6)
    for array in arrays:
        for part in _bytes(array):
            digest.update(part)
    return int.from_bytes(digest.digest(), "little") + 1


def _bytes(array: Any) -> Iterator[Any]:
    """The contents of an array, after its length and kind, so that no two lists of arrays have the same bytes."""
    if isinstance(array, pa.Int64Array):
        array = array.to_numpy()
    if isinstance(array, np.ndarray) and array.dtype != object:
        yield f"{array.dtype.kind}{len(array)};".encode()
        yield from (array[start : start + _BLOCK].astype("<i8") for start in range(0, len(array), _BLOCK))
        return
    utf8, ends = utf8_of(array)
    yield f"O{len(ends)};".encode()
    yield np.diff(ends, prepend=0).astype("<i8")
    yield utf8
