"""The signatures of exported models, with names, dtypes and shapes of their inputs and outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import tensorflow as tf

USER, ITEM, CANDIDATES, EXCLUDE, HISTORY = "user_id", "item_id", "candidates", "exclude", "history"
FILTER_COLUMN, FILTER_VALUE = "filter_column", "filter_value"
DISTANCE, VECTOR, SHARE, PULL = "distance", "vector", "share", "pull"
"""Names of inputs and outputs in every signature."""


@dataclasses.dataclass(frozen=True)
class Field:
    """An input or output of a signature.

    Args:
        dtype: String, "string" or "float32".
        shape: Tuple of the names of the axes: "batch" first; "n" may differ between calls; "k", the number of items in results,
            and "dim + 1", the size of a lifted vector, are fixed in an exported model.
    """

    dtype: str
    shape: tuple[str, ...]

    def spec(self, name: str) -> tf.TensorSpec:
        """Returns a `tf.TensorSpec` with the name, without fixed sizes."""
        return tf.TensorSpec([None] * len(self.shape), tf.as_dtype(self.dtype), name=name)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature of exported models.

    Args:
        inputs: Input fields by name.
        outputs: Output fields by name.
        answers: String, a description in one line.
    """

    inputs: Mapping[str, Field]
    outputs: Mapping[str, Field]
    answers: str


_ID, _IDS = Field("string", ("batch",)), Field("string", ("batch", "n"))
_ITEMS = {ITEM: Field("string", ("batch", "k")), DISTANCE: Field("float32", ("batch", "k"))}
_VECTOR = {VECTOR: Field("float32", ("batch", "dim + 1"))}

SIGNATURES: Mapping[str, Signature] = {
    "serving_default": Signature({USER: _ID}, _ITEMS, "the items nearest to a user"),
    "recommend_excluding": Signature({USER: _ID, EXCLUDE: _IDS}, _ITEMS, "the same, with exclusions"),
    "recommend_among": Signature(
        {USER: _ID, CANDIDATES: _IDS}, _ITEMS, "the items nearest to a user among some candidates"
    ),
    "recommend_where": Signature(
        {USER: _ID, FILTER_COLUMN: _ID, FILTER_VALUE: _ID},
        _ITEMS,
        "the items nearest to a user among those with a value in a column",
    ),
    "recommend_from_items": Signature(
        {HISTORY: _IDS}, _ITEMS, "the items nearest to a new user, given by a list of items, which are excluded"
    ),
    "similar_items": Signature({ITEM: _ID}, _ITEMS, "the items nearest to an item, without itself"),
    "score": Signature(
        {USER: _ID, ITEM: _IDS}, {DISTANCE: Field("float32", ("batch", "n"))}, "distances between a user and some items"
    ),
    "explain": Signature(
        {USER: _ID, ITEM: _ID},
        {
            HISTORY: Field("string", ("batch", "k")),
            SHARE: Field("float32", ("batch", "k")),
            PULL: Field("float32", ("batch", "k")),
            DISTANCE: Field("float32", ("batch",)),
        },
        "the items of a user's history that draw them to an item, with their shares",
    ),
    "embed_user": Signature({USER: _ID}, _VECTOR, "a query vector for an external index"),
    "embed_item": Signature({ITEM: _ID}, _VECTOR, "an item vector for an external index"),
}
"""All signatures by name; `recommend_where` is exported with columns to filter by only.

With item details, each column is another string output next to the ids of items in results.
"""

LISTED = (ITEM, HISTORY)
"""Outputs that are ids of items, beside which item details are returned."""

FILTERED = "recommend_where"
"""The signature that an export has only if it has columns to filter by."""
