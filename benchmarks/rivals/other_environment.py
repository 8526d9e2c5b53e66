"""Rivals whose libraries need other versions of NumPy than TensorFlow does: they run in an environment of their own."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from importlib.util import find_spec

VARIABLE = "RIVALS_PYTHON"
"""The environment variable with the path of a Python interpreter that has the libraries of these rivals."""


@functools.cache
def interpreter(*modules: str) -> str | None:
    """The path of an interpreter that has all modules: this one, or else that of `VARIABLE`; `None` if neither has."""
    if all(find_spec(module) is not None for module in modules):
        return sys.executable
    other = os.environ.get(VARIABLE)
    return other if other and _has(other, modules) else None


def _has(python: str, modules: tuple[str, ...]) -> bool:
    program = f"import sys, importlib.util as u; sys.exit(any(u.find_spec(m) is None for m in {modules!r}))"
    return subprocess.run([python, "-c", program], check=False).returncode == 0
