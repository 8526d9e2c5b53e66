"""Vocabularies: the distinct identifiers of users or of items, in the order of their codes.

Looking identifiers up, an integer and its usual spelling are the same: 7 and "7", but not "007".
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
    """Identifiers as a vocabulary holds them: all int64, or all `str` (dtype object).

    Args:
        ids: the identifiers, in the order of their codes; returned as they are if they are such an array already.
        name: the argument they were, for messages.

    Raises:
        ValueError: if they are not distinct, or as `encode_ids`.
    """
    if isinstance(ids, np.ndarray) and ids.ndim == 1 and (ids.dtype == np.int64 or _is_text(ids)):
        return ids
    codes, distinct = encode_ids(to_series(ids, name), name)
    if len(distinct) < len(codes):
        row = int((codes != np.arange(len(codes))).argmax())
        received = "a missing one" if codes[row] == MISSING else f"{distinct.tolist()[codes[row]]!r} more than once"
        raise ValueError(f"`{name}` must be distinct identifiers. Received: {received}")
    return distinct


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two vocabularies have the same identifiers in the same order."""
    return first is second or (first.dtype == second.dtype and np.array_equal(first, second))


def lookup(index: pd.Index, ids: Any, name: str) -> np.ndarray:
    """The codes of identifiers of any type in a vocabulary, `(n,)` int32; -1 for an unknown or a missing one.

    Args:
        index: the vocabulary.
        ids: a list or another vector.
        name: the argument it was, for messages.

    Raises:
        ValueError: as `encode_ids`.
    """
    codes, distinct = encode_ids(to_series(ids, name), name)
    # The last place is for missing identifiers, whose code is -1.
    return np.append(positions(index, distinct), np.int32(-1))[codes]


def positions(index: pd.Index, ids: np.ndarray) -> np.ndarray:
    """The codes of the identifiers of one vocabulary in another, `(n,)` int32; -1 for an unknown one.

    Raises:
        ValueError: if an identifier occurs twice in `index`.
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
    """The first vocabulary followed by what the second adds to it, and the codes of the second in that, int32.

    Where one is of integers and the other of text, the result is of the kind of the first if every identifier of the second
    can be, and else of text.
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
