"""`pd.factorize`, exact for text with NUL characters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

# Before pandas 3, a NUL ended a text: "a" and "a\0" had one code.
_NUL_ENDS_TEXT = len(pd.factorize(np.array(["a", "a\0"], dtype=object))[1]) == 1


def factorize(values: Any) -> tuple[np.ndarray, Any]:
    """Numbers values by first appearance, as `pd.factorize` does in pandas 3.

    Args:
        values: a series, an index or an array, `(n,)`.

    Returns:
        Codes, `(n,)`, -1 for missing values; and the distinct values in the order of their codes.

    Raises:
        TypeError: if a value is not hashable.
    """
    if not (_NUL_ENDS_TEXT and _is_text_with_nul(values)):
        return pd.factorize(values)
    # A missing value beside texts makes pandas compare the objects themselves, which takes longer.
    codes, distinct = pd.factorize(np.array([*values, None], dtype=object))
    return codes[:-1], distinct


def _is_text_with_nul(values: Any) -> bool:
    try:
        return pd.api.types.is_string_dtype(values.dtype) and "\0" in "".join(values)
    except TypeError:  # a value is missing or not text, and pandas compares objects
        return False
