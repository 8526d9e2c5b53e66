"""Vocabularies: the distinct identifiers of users or items, in the order of their codes.

In lookups an integer and its decimal text are the same identifier: 7 and "7", but not "007".
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from hyperml_tf.data.identifiers import MISSING, as_integers, as_text, encode_ids
from hyperml_tf.data.tabular import to_series

logger = logging.getLogger(__name__)


def vocabulary(ids: Any, name: str) -> np.ndarray:
    """Converts identifiers to a vocabulary: all int64, or all `str` (dtype object).

    Args:
        ids: `(n,)` identifiers of any type, in the order of their codes. A vocabulary is returned as it is.
        name: the name of the argument, for error messages.

    Raises:
        ValueError: if the identifiers are not distinct, or as `encode_ids`.
    """
    if isinstance(ids, np.ndarray) and ids.ndim == 1 and (ids.dtype == np.int64 or _is_text(ids)):
        return ids
    codes, distinct = encode_ids(to_series(ids, name), name)
    if len(distinct) < len(codes):
        row = int(np.argmax(codes != np.arange(len(codes))))
        received = "a missing one" if codes[row] == MISSING else f"{distinct.tolist()[codes[row]]!r} more than once"
        raise ValueError(f"`{name}` must be distinct identifiers. Received: {received}")
    return distinct


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two vocabularies have equal identifiers in the same order."""
    return first is second or (first.dtype == second.dtype and np.array_equal(first, second))


def lookup(index: pd.Index, ids: Any, name: str) -> np.ndarray:
    """Looks up identifiers of any type.

    Args:
        index: the vocabulary.
        ids: `(n,)` identifiers.
        name: the name of the argument, for error messages.

    Returns:
        Their codes, `(n,)` int32; -1 for unknown or missing ones.

    Raises:
        ValueError: as `encode_ids`.
    """
    codes, distinct = encode_ids(to_series(ids, name), name)
    # `MISSING` is -1, which selects the last entry.
    return np.append(positions(index, distinct), np.int32(-1))[codes]


def positions(index: pd.Index, ids: np.ndarray) -> np.ndarray:
    """Looks up the identifiers of one vocabulary in another.

    Args:
        index: the other vocabulary.
        ids: `(n,)` the identifiers, all int64 or all `str`.

    Returns:
        Their codes, `(n,)` int32; -1 for unknown ones.

    Raises:
        ValueError: if `index` is not distinct.
    """
    if not index.is_unique:
        raise ValueError(
            f"A vocabulary must be distinct. Received: {index[index.duplicated()].tolist()[0]!r} more than once"
        )
    if index.dtype == np.int64 and ids.dtype == object:
        ids = as_integers(ids)
    elif index.dtype != np.int64 and ids.dtype != object:
        ids = as_text(ids.tolist())
    return index.get_indexer(pd.Index(ids)).astype(np.int32)


def union(first: np.ndarray, second: np.ndarray, role: str) -> tuple[np.ndarray, np.ndarray]:
    """Appends the new identifiers of a second vocabulary to a first one.

    The result has the type of the first vocabulary if all identifiers of the second can be converted to it without loss, and
    is text otherwise, with a warning.

    Args:
        first: the first vocabulary.
        second: the second vocabulary.
        role: "user" or "item", for the warning.

    Returns:
        The union, and the codes of the second vocabulary in it, int32.
    """
    if first.dtype != object and second.dtype == object:
        try:
            second = as_integers(second).astype(np.int64)
        except (TypeError, OverflowError):
            logger.warning("The two tables have different types of %s identifiers: all of them become text.", role)
            first = as_text(first.tolist())
    elif first.dtype == object and second.dtype != object:
        second = as_text(second.tolist())
    codes = positions(pd.Index(first), second)
    new = codes == -1
    codes[new] = len(first) + np.arange(np.count_nonzero(new), dtype=np.int32)
    return np.concatenate([first, second[new]]), codes


def _is_text(ids: np.ndarray) -> bool:
    return ids.dtype == object and pd.api.types.infer_dtype(ids, skipna=False) == "string"
