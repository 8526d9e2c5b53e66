"""Which items have a value in a column, for use in graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from hyperml_tf.data.conditions import members
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import Histories, IdTable


class ItemFilters(NamedTuple):
    """The items of each value of some columns; a value may be a list, whose members have `|` between them.

    Attributes:
        values: An `IdTable` of columns and values.
        items: `Histories` with the items of each of them.

    Example:

    >>> filters = ItemFilters.of({"shelf": ["a", "b|c", ""], "year": ["1990", "1990", "1991"]})
    >>> filters.matrix(tf.constant(["shelf", "year", "shelf"]), tf.constant(["c", "1990", "none"])).numpy().tolist()
    [[-1, 1], [0, 1], [-1, -1]]
    """

    values: IdTable
    items: Histories

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[str]]) -> ItemFilters:
        """Creates filters, in variables.

        Args:
            columns: Texts by the name of the column, each in the order of the catalogue.
        """
        found: dict[str, list[int]] = {}
        for name, texts in columns.items():
            for item, text in enumerate(texts):
                for value in dict.fromkeys([*members(text), *([text] if text else [])]):
                    found.setdefault(_key(name, value), []).append(item)
        lengths = [len(items) for items in found.values()]
        indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        items = np.concatenate([np.zeros(0, np.int32), *(np.array(rows, np.int32) for rows in found.values())])
        # A table cannot be empty. No column has this key.
        keys = np.array([*found] or [""], dtype=object)
        indptr = indptr if found else np.zeros(2, np.int64)
        return cls(IdTable.of(keys, variable="filter_values"), Histories.of(indptr, items, variables="filter"))

    def matrix(self, columns: Tensor, values: Tensor) -> Tensor:
        """Returns the items that have a value in a column, `(batch, n)`; -1 is padding.

        Args:
            columns: Names of columns, `(batch,)`.
            values: Values, `(batch,)`.
        """
        sizes = tf.strings.as_string(tf.strings.length(columns))
        codes = self.values.codes(tf.strings.join([sizes, ":", columns, values]))
        return tf.where(codes[:, tf.newaxis] < 0, -1, self.items.matrix(tf.maximum(codes, 0)))


def _key(column: str, value: str) -> str:
    # With the length of the name in bytes, so that no two pairs have the same key.
    return f"{len(column.encode())}:{column}{value}"
