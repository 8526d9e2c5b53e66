"""Checks of arguments that models share."""

from __future__ import annotations

import math
from typing import Any


def check_positive(**values: Any) -> None:
    """Raises a `ValueError` that names the first argument that is not a finite number above 0."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}")


def check_not_negative(**values: Any) -> None:
    """Raises a `ValueError` that names the first argument that is not a finite number >= 0."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"`{name}` must be >= 0. Received: {name}={value}")
