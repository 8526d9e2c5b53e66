"""The rows of a run whose table has weights, with these. The histories of a model do not hold them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from hyperml_tf.data import Interactions
from hyperml_tf.files.archives import check_archive

_ARRAYS = ("users", "items", "weights")
_MEMBERS = frozenset(f"{name}.npy" for name in _ARRAYS)


def save_weighted_rows(path: Path, table: Interactions) -> None:
    """Writes the codes and the weights of the rows of a table."""
    with path.open("wb") as file:
        np.savez_compressed(file, users=table.users, items=table.items, weights=table.row_weights())


def load_weighted_rows(path: Path, vocabulary: Interactions, fingerprint: str) -> Interactions:
    """Reads a file written by `save_weighted_rows`, with the vocabularies of `vocabulary`. It may come from anybody.

    Raises:
        ValueError: If it is damaged, or that of a table with another fingerprint.
    """
    check_archive(path, _MEMBERS.__contains__, compressed=True)
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
        table = dataclasses.replace(vocabulary, **arrays)
    except (KeyError, ValueError, EOFError, OSError, MemoryError) as error:
        raise ValueError(f"`{path}` is damaged: it must hold the rows of a table. Received: {error}") from error
    if table.fingerprint() != fingerprint:
        raise ValueError(
            f"`{path}` must be that of the table of the run, {fingerprint}. Received: that of {table.fingerprint()}"
        )
    return table
