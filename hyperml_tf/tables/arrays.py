"""Files of numeric and string arrays, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

_TEXT, _ENDS, _SHAPE = ".utf8", ".ends", ".shape"


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes arrays to an `.npz` file. Strings are stored as one UTF-8 buffer with offsets.

    Args:
        path: Path of the file.
        arrays: Numeric arrays, or text: object arrays of `str`, or Arrow arrays of large_string; by name.
    """
    parts: dict[str, Any] = {}
    for name, array in arrays.items():
        if isinstance(array, np.ndarray) and array.dtype.kind != "O":
            parts[name] = array
            continue
        parts[name + _TEXT], parts[name + _ENDS] = utf8_of(array)
        parts[name + _SHAPE] = np.array(getattr(array, "shape", (len(array),)), np.int64)
    np.savez(path, **parts)


def load_arrays(path: Path, arrow: bool = False) -> dict[str, Any]:
    """Reads a file written by `save_arrays`.

    Args:
        path: Path of the file.
        arrow: Boolean, whether text is returned as Arrow arrays of large_string, of one dimension. Defaults to `False`, object
            arrays of `str`.

    Raises:
        ValueError: If the file contains pickles, or if a part of an array is missing.
    """
    with np.load(path, allow_pickle=False) as stored:
        parts = {name: stored[name] for name in stored.files}
    texts = [name.removesuffix(_TEXT) for name in parts if name.endswith(_TEXT)]
    if missing := [name for name in texts if not {name + _ENDS, name + _SHAPE} <= set(parts)]:
        raise ValueError(f"`{path}` must hold complete string arrays. Received: only parts of {missing}")
    loaded = {}
    for name in texts:
        utf8, ends, shape = (parts.pop(name + suffix) for suffix in (_TEXT, _ENDS, _SHAPE))
        text = _decoded(utf8, ends)
        loaded[name] = text if arrow else text.to_numpy(zero_copy_only=False).reshape(shape)
    return {**parts, **loaded}


def utf8_of(text: Any) -> tuple[np.ndarray, np.ndarray]:
    """Returns text as one buffer of UTF-8, and the end of each string in it, int64.

    Args:
        text: An object array of `str`, or an Arrow array of large_string.
    """
    if not isinstance(text, pa.Array):
        text = pa.array(text.ravel(), pa.large_string())
    _, offsets, data = text.buffers()
    limits = np.frombuffer(offsets, np.int64, len(text) + 1, 8 * text.offset)
    utf8 = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    return utf8[limits[0] : limits[-1]], limits[1:] - limits[0]


def _decoded(utf8: np.ndarray, ends: np.ndarray) -> Any:
    limits = np.concatenate([[0], ends]).astype(np.int64)
    text = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(limits), pa.py_buffer(utf8))
    text.validate(full=True)
    return text
