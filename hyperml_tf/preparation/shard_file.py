"""The files of shards: Arrow, not compressed, so that TensorFlow reads the columns by their places, without Python.

That is what makes the pipelines work in every process that has TensorFlow: workers of the tf.data service and of a parameter
server strategy, too, in which no Python function can run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

TRAIN, VALIDATION, TEST, LATER = range(4)
"""The parts of a table, the values of the column `part`. Later rows are neither trained on nor evaluated on."""

_DTYPES = {"user": np.int32, "item": np.int32, "part": np.int8, "weight": np.float32}


@dataclasses.dataclass(frozen=True)
class Shard:
    """The rows of consecutive users, sorted by user, from the oldest to the newest row of each.

    Args:
        file: the name of the file in the directory.
        rows: the number of rows.
        train_rows: the number of rows to train on.
        evaluated: the number of users with a held-out row.
        first_user: the code of the first user.
        users: the number of users, each of whom has a row.
        places: the place of the first byte of each column in the file.
    """

    file: str
    rows: int
    train_rows: int
    evaluated: int
    first_user: int
    users: int
    places: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as the manifest has them."""
        return dataclasses.asdict(self)


def write_shard(path: Path, columns: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Writes columns to a file.

    Args:
        path: the file.
        columns: the columns by name: `user`, `item`, `part` and optionally `weight`.

    Returns:
        The place of the first byte of each column.
    """
    arrays = {name: pa.array(np.ascontiguousarray(values, _DTYPES[name])) for name, values in columns.items()}
    batch = pa.record_batch(list(arrays.values()), names=list(arrays))
    with pa.ipc.new_file(str(path), batch.schema, options=pa.ipc.IpcWriteOptions(compression=None)) as file:
        file.write_batch(batch)
    with pa.memory_map(str(path)) as mapped:
        start = mapped.read_buffer().address
        mapped.seek(0)
        written = pa.ipc.open_file(mapped).get_batch(0)
        return {name: written.column(name).buffers()[1].address - start for name in arrays}


def read_shard(path: Path) -> dict[str, np.ndarray]:
    """Reads a file that `write_shard` wrote.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        with pa.OSFile(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        return {name: table.column(name).to_numpy().astype(_DTYPES[name], copy=False) for name in table.column_names}
    except (pa.ArrowException, KeyError) as error:
        raise ValueError(f"`{path}` must be a shard of a prepared table. Received: {error}") from error
