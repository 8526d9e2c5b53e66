"""Checks of numeric arguments. Each raises a `ValueError` that names the first argument out of range."""

from __future__ import annotations

import math


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
