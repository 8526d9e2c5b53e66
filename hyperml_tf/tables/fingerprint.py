"""A hash of arrays that fits into a weight."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np


def fingerprint(*arrays: np.ndarray) -> int:
    """Returns a hash of arrays of integers or of `str`, between 1 and 2^48, which float64 holds exactly.

    Args:
        *arrays: Arrays of one dimension; text has dtype object.

    Example:

    >>> fingerprint(np.array(["a", "bc"], dtype=object)) == fingerprint(np.array(["ab", "c"], dtype=object))
    False
    """
    digest = hashlib.blake2b(digest_size=6)
    for array in arrays:
        for part in _bytes(array):
            digest.update(part)
    return int.from_bytes(digest.digest(), "little") + 1


def _bytes(array: np.ndarray) -> Iterator[bytes]:
    """The contents of an array, after its length and kind, so that no two lists of arrays have the same bytes."""
    yield f"{array.dtype.kind}{len(array)};".encode()
    if array.dtype != object:
        yield array.astype("<i8").tobytes()
        return
    texts = [text.encode() for text in array.tolist()]
    yield np.fromiter(map(len, texts), "<i8", len(texts)).tobytes()
    yield b"".join(texts)
