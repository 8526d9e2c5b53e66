"""Raw ids as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


def id_array(ids: Any, name: str) -> np.ndarray:
    """Ids as an int64 array or an object array of `str`.

    Args:
        ids: a non-empty list or array of ids, all strings (or bytes in UTF-8), or all integers that int64 can hold.
        name: the argument, for errors.

    Raises:
        ValueError: if `ids` is anything else.

    Example:

    >>> id_array([b"a", b"b"], "ids").tolist()
    ['a', 'b']
    """
    array = _as_array(ids)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"`{name}` must be a non-empty list of ids. Received: shape {array.shape}")
    if array.dtype.kind in "iu":
        return _integers(array, name)
    if array.dtype.kind == "S" or (array.dtype.kind == "O" and all(isinstance(v, bytes) for v in array)):
        return np.array([v.decode() for v in array.tolist()], dtype=object)
    if array.dtype.kind == "U" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array)):
        return _text(array.astype(object), name)
    raise ValueError(f"`{name}` must be all strings or all integers. Received: dtype {array.dtype}, first {array[0]!r}")


def _as_array(ids: Any) -> np.ndarray:
    """The ids as an array. Fixed-width text would give every id the length of the longest, and drop NULs at its end."""
    if not isinstance(ids, (list, tuple)) or not any(isinstance(value, (str, bytes)) for value in ids):
        return np.asarray(ids)
    array = np.empty(len(ids), object)
    array[:] = ids
    return array


def _integers(ids: np.ndarray, name: str) -> np.ndarray:
    if ids.dtype.kind == "u" and ids.max() > np.iinfo(np.int64).max:
        raise ValueError(f"`{name}` must be integers below 2^63; give larger ones as strings. Received: {ids.max()}")
    return ids.astype(np.int64)


def _text(ids: np.ndarray, name: str) -> np.ndarray:
    """The ids themselves. TensorFlow holds text in UTF-8, and would not say which id it cannot hold."""
    try:
        "".join(ids.tolist()).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"`{name}` must be text that UTF-8 can hold, without half of a surrogate pair. "
            f"Received: {error.object[error.start]!r}"
        ) from error
    return ids
