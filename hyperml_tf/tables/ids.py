"""Raw ids as arrays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def id_array(ids: Any, name: str) -> np.ndarray:
    """Converts ids to an int64 array or an object array of `str`.

    Args:
        ids: A non-empty list or array of ids: all strings, all bytes in UTF-8, or all integers in the range of int64.
        name: String, name of the argument in error messages.

    Raises:
        ValueError: If `ids` is anything else.

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


def id_lists(ids: Any, name: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Converts one list of ids, or one list for each row of a batch, to a flat array.

    Args:
        ids: A list or array of ids, or a list, matrix or ragged tensor of `rows` of them. Lists may be empty.
        name: String, name of the argument in error messages.
        rows: Integer, the number of rows of the batch.

    Returns:
        The ids as from `id_array`, and the length of each list, `(rows,)`, or `(1,)` if there is one for all rows.

    Raises:
        ValueError: If `ids` is anything else.

    Example:

    >>> ids, lengths = id_lists([["a", "b"], ["c"]], "ids", rows=2)
    >>> ids.tolist(), lengths.tolist()
    (['a', 'b', 'c'], [2, 1])
    """
    if hasattr(ids, "to_list"):  # a ragged tensor
        ids = ids.to_list()
    elif hasattr(ids, "numpy"):
        ids = ids.numpy()
    if not _is_list(ids):
        raise ValueError(f"`{name}` must be a list of ids, or such a list for each user. Received: {ids!r}")
    listed = list(ids)
    nested = [_is_list(value) for value in listed]
    if any(nested) and not all(nested):
        other = listed[nested.index(False)]
        raise ValueError(f"`{name}` must be a list of ids, or such a list for each user. Received: both, as {other!r}")
    lists = listed if any(nested) else [listed]
    if any(nested) and len(lists) != rows:
        raise ValueError(
            f"`{name}` must be a list of ids, or such a list for each of {rows} users. Received: {len(lists)} lists"
        )
    flat = list(itertools.chain.from_iterable(lists))
    lengths = np.array([len(part) for part in lists], np.int64)
    return (id_array(flat, name) if flat else np.zeros(0, object)), lengths


def _is_list(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, (str, bytes)) and getattr(value, "ndim", 1) > 0


def _as_array(ids: Any) -> np.ndarray:
    """The ids as an array. Strings become objects: fixed-width arrays pad every id and drop trailing NULs."""
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
    """Checks that ids can be encoded in UTF-8. The error of TensorFlow would not name the id."""
    try:
        "".join(ids.tolist()).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"`{name}` must be text that can be encoded in UTF-8, without lone surrogates. "
            f"Received: {error.object[error.start]!r}"
        ) from error
    return ids
