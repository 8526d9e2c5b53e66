"""Checks of numeric arguments. Each raises a `ValueError` that names the first argument out of range."""

from __future__ import annotations

import math
import operator
from typing import Any


def check_not_negative(**values: float) -> None:
    """Requires finite numbers >= 0."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"`{name}` must be a finite number >= 0. Received: {name}={value}")


def check_positive(**values: float) -> None:
    """Requires positive, finite numbers."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be positive and finite. Received: {name}={value}")


def check_positive_integer(**values: float) -> None:
    """Requires integers >= 1; a float with an integral value counts as an integer."""
    for name, value in values.items():
        if not 1 <= value < math.inf or int(value) != value:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value}")


def count(**value: Any) -> int:
    """Returns an integer >= 1, given as a Python, NumPy or pandas integer of any width. Neither a float nor a boolean is one."""
    [(name, given)] = value.items()
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise ValueError(f"`{name}` must be an integer of at least 1. Received: {name}={given!r}")
    number = operator.index(given)
    if number < 1:
        raise ValueError(f"`{name}` must be at least 1. Received: {name}={number}")
    return number
