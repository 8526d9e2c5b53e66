"""Which items may be recommended in a call: those that are included, without those that are excluded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf.tables import IdLookup
from hyperml_tf.tables.ids import id_lists


class Filters(NamedTuple):
    """The filters of a batch of users, as item codes, made by `Filters.of`.

    Attributes:
        include: The only items that may be recommended, `(batch, n)`, or `(1, n)` for all users, int32; -1 is padding.
            `None`: all items.
        exclude: Items that are not recommended, likewise. `None`: none.

    Example:

    >>> Filters.of(IdLookup(["a", "b"]), 2, include=["b", "unknown"], exclude=[["a"], []]).exclude.tolist()
    [[0], [-1]]
    """

    include: np.ndarray | None = None
    exclude: np.ndarray | None = None

    @classmethod
    def of(cls, items: IdLookup, users: int, include: Any = None, exclude: Any = None) -> Filters:
        """Creates filters from raw ids.

        Args:
            items: The lookup of the catalogue.
            users: Integer, number of users.
            include: Raw ids, a list for all users or one for each of them, or `None`. Unknown ids are ignored.
            exclude: Likewise.

        Raises:
            ValueError: If `include` or `exclude` is neither, or if its ids are not of the type of those of the catalogue.
        """
        return cls(_codes(items, users, include, "include"), _codes(items, users, exclude, "exclude"))

    def at(self, start: int, size: int) -> dict[str, tf.Tensor]:
        """Returns the filters that are given, by name, for `size` users from `start` on, `(size, n)` each."""
        given = {name: codes for name, codes in self._asdict().items() if codes is not None}
        return {
            name: tf.constant(
                np.broadcast_to(codes, (size, codes.shape[1])) if len(codes) == 1 else codes[start : start + size]
            )
            for name, codes in given.items()
        }

    def apply(self, scores: np.ndarray, start: int) -> None:
        """Sets the scores of the users from `start` on, `(size, n_items)`, to minus infinity where an item is filtered out."""
        for name, codes in self.at(start, len(scores)).items():
            rows, places = np.nonzero(codes.numpy() >= 0)
            marked = np.zeros(scores.shape, bool)
            marked[rows, codes.numpy()[rows, places]] = True
            scores[marked if name == "exclude" else ~marked] = -np.inf


def _codes(items: IdLookup, users: int, ids: Any, name: str) -> np.ndarray | None:
    if ids is None:
        return None
    flat, lengths = id_lists(ids, name, users)
    if len(flat) and (flat.dtype.kind == "i") != (items.id_dtype == "int64"):
        expected = "integers" if items.id_dtype == "int64" else "strings"
        raise ValueError(f"`{name}` must hold {expected}, as the ids of the items are. Received: {flat.tolist()[0]!r}")
    codes = np.full((len(lengths), lengths.max(initial=0)), -1, np.int32)
    if len(flat):
        codes[np.arange(codes.shape[1]) < lengths[:, np.newaxis]] = items(_tensor(flat)).numpy()
    return codes


def _tensor(ids: np.ndarray) -> tf.Tensor:
    return tf.constant(ids.tolist() if ids.dtype.kind == "O" else ids)
