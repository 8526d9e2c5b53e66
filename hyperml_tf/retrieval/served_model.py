"""An export, loaded back and asked from Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.retrieval.serving_module import DISTANCE, EXCLUDE, ITEM, USER


class ServedModel:
    """A SavedModel written by `export_saved_model`, with its signatures as methods.

    It uses plain TensorFlow; what it does, any program that loads the SavedModel can do.

    Args:
        path: the exported directory.

    Raises:
        FileNotFoundError: if there is no SavedModel at `path`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not (Path(path) / "saved_model.pb").is_file():
            raise FileNotFoundError(
                f"`path` must be an exported directory with saved_model.pb. Received: {str(path)!r}"
            )
        self._loaded = tf.saved_model.load(str(path))
        self._signatures = self._loaded.signatures

    def recommend(self, users: Sequence[Any], exclude: Sequence[Sequence[Any]] | None = None) -> Neighbours:
        """The nearest items of each user, as many as the export was written for.

        Args:
            users: raw ids, `(batch,)`.
            exclude: for each user the ids of items to leave out; rows may differ in length.

        Returns:
            `Neighbours`, ids as strings.
        """
        if exclude is None:
            answer = self._signatures["serving_default"](**{USER: _strings(users)})
        else:
            answer = self._signatures["recommend_excluding"](**{USER: _strings(users), EXCLUDE: _matrix(exclude)})
        return Neighbours(_decode(answer[ITEM].numpy()), answer[DISTANCE].numpy())

    def score(self, users: Sequence[Any], items: Sequence[Sequence[Any]]) -> np.ndarray:
        """Distances of items to users, `(batch,)` and `(batch, n)` ids -> `(batch, n)`; infinite for an unknown item."""
        return self._signatures["score"](**{USER: _strings(users), ITEM: _matrix(items)})[DISTANCE].numpy()


def _strings(values: Sequence[Any]) -> tf.Tensor:
    return tf.constant([str(value) for value in values], tf.string)


def _matrix(rows: Sequence[Sequence[Any]]) -> tf.Tensor:
    """Ids as strings, shorter rows padded with ""."""
    longest = max((len(row) for row in rows), default=0)
    padded = [[*map(str, row), *[""] * (longest - len(row))] for row in rows]
    return tf.reshape(tf.constant(padded, tf.string), [len(padded), longest])


def _decode(ids: np.ndarray) -> np.ndarray:
    decoded = np.array([value.decode() for value in ids.ravel()], dtype=object)
    return decoded.reshape(ids.shape)
