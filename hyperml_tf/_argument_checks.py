"""Checks of arguments. Each raises a `ValueError` that names the first argument of another type or out of range."""

from __future__ import annotations

import math
import numbers
import operator
import os
from pathlib import Path
from typing import Any


def check_not_negative(**values: Any) -> None:
    """Requires finite numbers >= 0."""
    for name, value in values.items():
        if not is_number(value) or not 0 <= value < math.inf:
            raise ValueError(f"`{name}` must be a finite number >= 0. Received: {name}={value!r}")


def check_positive(**values: Any) -> None:
    """Requires positive, finite numbers."""
    for name, value in values.items():
        if not is_number(value) or not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be positive and finite. Received: {name}={value!r}")


def check_below_one(**values: Any) -> None:
    """Requires numbers in [0, 1)."""
    for name, value in values.items():
        if not is_number(value) or not 0 <= value < 1:
            raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={value!r}")


def check_share(**values: Any) -> None:
    """Requires numbers in [0, 1]."""
    for name, value in values.items():
        if not is_number(value) or not 0 <= value <= 1:
            raise ValueError(f"`{name}` must be in [0, 1]. Received: {name}={value!r}")


def check_positive_integer(**values: Any) -> None:
    """Requires integers >= 1; a float with an integral value counts as an integer."""
    for name, value in values.items():
        if not is_number(value) or not 1 <= value < math.inf or int(value) != value:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")


def is_number(value: Any) -> bool:
    """Whether a value is one real number: of Python, NumPy or pandas, or an array or eager tensor without axes."""
    if getattr(value, "shape", None) == ():
        value = value.numpy() if hasattr(value, "numpy") else value
        value = value.item() if hasattr(value, "item") else value
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def count(**value: Any) -> int:
    """Returns an integer >= 1, given as a Python, NumPy or pandas integer of any width. Neither a float nor a boolean is one."""
    [(name, given)] = value.items()
    try:
        number = None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        number = None
    if number is None:
        raise ValueError(f"`{name}` must be an integer of at least 1. Received: {name}={given!r}")
    if number < 1:
        raise ValueError(f"`{name}` must be at least 1. Received: {name}={number}")
    return number


def random_seed(**value: Any) -> int:
    """Returns an integer in [0, 2**31), given as `count` takes it."""
    [(name, given)] = value.items()
    try:
        number = None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        number = None
    if number is None or not 0 <= number < 2**31:
        raise ValueError(f"`{name}` must be an integer in [0, 2**31). Received: {name}={given!r}")
    return number


def as_path(**value: Any) -> Path:
    """Returns a path, given as a string or as an `os.PathLike`."""
    [(name, given)] = value.items()
    if not isinstance(given, (str, os.PathLike)):
        raise ValueError(f"`{name}` must be a path, a string or a `pathlib.Path`. Received: {name}={given!r}")
    return Path(given)


def check_instance(*classes: type, **values: Any) -> None:
    """Requires objects of one of the classes."""
    for name, value in values.items():
        if not isinstance(value, classes):
            expected = " or ".join(f"`{one.__name__}`" for one in classes)
            raise ValueError(f"`{name}` must be of the class {expected}. Received: {name}={value!r}")


def check_callable(**values: Any) -> None:
    """Requires functions, or other objects that can be called."""
    for name, value in values.items():
        if not callable(value):
            raise ValueError(f"`{name}` must be a function. Received: {name}={value!r}")


def check_text(**values: Any) -> None:
    """Requires strings."""
    for name, value in values.items():
        if not isinstance(value, str):
            raise ValueError(f"`{name}` must be a string. Received: {name}={value!r}")
