"""Variables of a SavedModel that are written a part at a time, so that no process needs the memory for all of their rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
# Tensors of more bytes are copied one at a time.
_LARGE = 2**24


class Rows(NamedTuple):
    """The rows of a variable.

    Attributes:
        shape: The shape of all of them.
        parts: Arrays or tensors of consecutive rows, which are made when they are written. Text must be one part: TensorFlow
            cannot read parts of it.
    """

    shape: tuple[int, ...]
    parts: Iterable[Any]


def without_rows(stand_in: Any, name: str) -> tf.Variable:
    """Returns a variable of any number of rows, whose value is to be written by `write_rows`.

    Args:
        stand_in: An array or a tensor of one row, which gives the dtype and the other axes.
        name: String, the name of the variable.
    """
    value = tf.convert_to_tensor(stand_in)
    return tf.Variable(value, trainable=False, name=name, shape=[None, *value.shape[1:]])


def write_rows(saved_model: Path, rows: Mapping[str, Rows]) -> None:
    """Writes the rows of variables into a SavedModel that was saved without them.

    Each part becomes a file, as the shards of a variable on parameter servers do. The files are then merged, which moves them.

    Args:
        saved_model: Path of the SavedModel.
        rows: The rows, by the path of the variable in the module that was saved, such as `"users/keys"`.
    """
    scratch, merged = saved_model / "parts", saved_model / "merged"
    scratch.mkdir()
    prefixes: list[str] = []

    def save(names: list[str], slices: list[str], tensors: list[Any]) -> None:
        prefixes.append(str(scratch / f"{len(prefixes):05d}"))
        tf.raw_ops.SaveV2(prefix=prefixes[-1], tensor_names=names, shape_and_slices=slices, tensors=tensors)

    variables = saved_model / "variables"
    for names, tensors in _others(variables / "variables", {name + _VALUE for name in rows}):
        save(names, [""] * len(names), tensors)
    for name, one in rows.items():
        begin = 0
        for part in one.parts:
            end = begin + len(part)
            whole = end - begin == one.shape[0]
            save([name + _VALUE], ["" if whole else _slice(one.shape, begin, end)], [part])
            begin = end
    merged.mkdir()
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=prefixes, destination_prefix=str(merged / "variables"), delete_old_dirs=True
    )
    shutil.rmtree(variables)
    shutil.rmtree(scratch, ignore_errors=True)
    merged.rename(variables)


def _others(prefix: Path, left_out: set[str]) -> Iterable[tuple[list[str], list[Any]]]:
    """The names and values of the tensors of a checkpoint but for some: small ones together, large ones one at a time."""
    reader = tf.train.load_checkpoint(str(prefix))
    dtypes = {name: dtype for name, dtype in reader.get_variable_to_dtype_map().items() if name not in left_out}
    shapes = reader.get_variable_to_shape_map()
    large = [name for name, dtype in dtypes.items() if dtype.size * np.prod(shapes[name], dtype=np.int64) > _LARGE]
    for names in ([name for name in dtypes if name not in large], *([name] for name in large)):
        wanted = {
            "tensor_names": names,
            "shape_and_slices": [""] * len(names),
            "dtypes": [dtypes[one] for one in names],
        }
        yield names, tf.raw_ops.RestoreV2(prefix=str(prefix), **wanted)


def _slice(shape: tuple[int, ...], begin: int, end: int) -> str:
    """Rows of a tensor as TensorFlow writes them: the shape, and the first index and the length on every axis."""
    sides = [f"{begin},{end - begin}", *(f"0,{size}" for size in shape[1:])]
    return f"{' '.join(map(str, shape))} {':'.join(sides)}"
