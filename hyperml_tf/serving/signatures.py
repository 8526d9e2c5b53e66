"""The interface of an export: every signature with the names, dtypes and shapes of its inputs and outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import tensorflow as tf

USER, ITEM, EXCLUDE, HISTORY, DISTANCE, VECTOR = "user_id", "item_id", "exclude", "history", "distance", "vector"
"""Names of inputs and outputs in every signature."""


@dataclasses.dataclass(frozen=True)
class Field:
    """One input or output.

    Args:
        dtype: "string" or "float32".
        shape: names of the axes: "batch" first; "n" differs from call to call; "k" is the length of the answers and "dim + 1"
            that of a lifted vector, both fixed when the export is written.
    """

    dtype: str
    shape: tuple[str, ...]

    def spec(self, name: str) -> tf.TensorSpec:
        """The same for an input of a graph; no input has an axis of fixed length."""
        return tf.TensorSpec([None] * len(self.shape), tf.as_dtype(self.dtype), name=name)


@dataclasses.dataclass(frozen=True)
class Signature:
    """One function of an export.

    Args:
        inputs, outputs: the fields by name.
        answers: one line on what it does.
    """

    inputs: Mapping[str, Field]
    outputs: Mapping[str, Field]
    answers: str


_ID, _IDS = Field("string", ("batch",)), Field("string", ("batch", "n"))
_ITEMS = {ITEM: Field("string", ("batch", "k")), DISTANCE: Field("float32", ("batch", "k"))}
_VECTOR = {VECTOR: Field("float32", ("batch", "dim + 1"))}

SIGNATURES: Mapping[str, Signature] = {
    "serving_default": Signature({USER: _ID}, _ITEMS, "the items nearest to a user"),
    "recommend_excluding": Signature({USER: _ID, EXCLUDE: _IDS}, _ITEMS, "the same without some items"),
    "recommend_from_items": Signature(
        {HISTORY: _IDS}, _ITEMS, "the items nearest to a user who has some items, which are left out"
    ),
    "similar_items": Signature({ITEM: _ID}, _ITEMS, "the items nearest to an item, itself left out"),
    "score": Signature(
        {USER: _ID, ITEM: _IDS}, {DISTANCE: Field("float32", ("batch", "n"))}, "distances to some items"
    ),
    "embed_user": Signature({USER: _ID}, _VECTOR, "a vector to search an external index with"),
    "embed_item": Signature({ITEM: _ID}, _VECTOR, "a vector to fill an external index with"),
}
"""All signatures by name. Where item metadata is exported, each column is one more output, string, beside `item_id`."""
