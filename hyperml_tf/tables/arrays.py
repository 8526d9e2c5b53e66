"""Files of numeric and string arrays, without pickle."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_TEXT, _ENDS, _SHAPE = ".utf8", ".ends", ".shape"


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays to an `.npz` file. Strings are stored as one UTF-8 buffer with offsets.

    Args:
        path: Path of the file.
        arrays: Numeric arrays, or object arrays of `str`, by name.
    """
    parts: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.dtype.kind != "O":
            parts[name] = array
            continue
        encoded = [value.encode() for value in array.ravel().tolist()]
        parts[name + _TEXT] = np.frombuffer(b"".join(encoded), np.uint8)
        parts[name + _ENDS] = np.cumsum([len(value) for value in encoded], dtype=np.int64)
        parts[name + _SHAPE] = np.array(array.shape, np.int64)
    np.savez(path, **parts)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads a file written by `save_arrays`.

    Raises:
        ValueError: If the file contains pickles, or if a part of an array is missing.
    """
    with np.load(path, allow_pickle=False) as stored:
        parts = {name: stored[name] for name in stored.files}
    texts = [name.removesuffix(_TEXT) for name in parts if name.endswith(_TEXT)]
    if missing := [name for name in texts if not {name + _ENDS, name + _SHAPE} <= set(parts)]:
        raise ValueError(f"`{path}` must hold complete string arrays. Received: only parts of {missing}")
    loaded = {name: _decoded(*(parts.pop(name + suffix) for suffix in (_TEXT, _ENDS, _SHAPE))) for name in texts}
    return {**parts, **loaded}


def _decoded(utf8: np.ndarray, ends: np.ndarray, shape: np.ndarray) -> np.ndarray:
    text, limits = utf8.tobytes(), [0, *ends.tolist()]
    values = np.empty(len(ends), object)
    values[:] = [text[start:end].decode() for start, end in itertools.pairwise(limits)]
    return values.reshape(shape)
