"""A Python client for exported models."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import as_path, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.models.explanations import Explanation
from hyperml_tf.retrieval.results import Neighbours
from hyperml_tf.serving.signatures import (
    CANDIDATES,
    DISTANCE,
    EXCLUDE,
    FILTER_COLUMN,
    FILTER_VALUE,
    FILTERED,
    HISTORY,
    ITEM,
    PULL,
    SHARE,
    USER,
    VECTOR,
)


@names_arguments
class ServedModel:
    """Loads a SavedModel written by `export_saved_model`, with its signatures as methods.

    It only uses TensorFlow, so any program that loads the SavedModel can do the same. Ids may be strings, bytes in UTF-8, or
    integers, which are converted to decimal strings.

    It can be pickled and copied: the pickle holds the absolute path, from which the model is loaded again.

    Args:
        path: Path of the exported model.

    Raises:
        FileNotFoundError: If there is no SavedModel at `path`.

    Example:

    >>> from hyperml_tf import HyperML, export_saved_model
    >>> path = export_saved_model(HyperML(["ann"], ["a", "b", "c"], dim=4, history=0), "models/items/1", overwrite=True)
    >>> ServedModel(path).recommend_from_items([["a", "b"]]).ids.tolist()
    [['c', '', '']]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = as_path(path=path)
        self._absolute_path = self.path.absolute()
        if not (self.path / "saved_model.pb").is_file():
            raise FileNotFoundError(
                f"`path` must be an exported directory with saved_model.pb. Received: {str(path)!r}"
            )
        self._loaded = tf.saved_model.load(str(path))

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return type(self), (str(self._absolute_path),)

    @property
    def card(self) -> dict[str, Any]:
        """The model card, `assets.extra/model_card.json`."""
        return json.loads((self.path / "assets.extra" / "model_card.json").read_text(encoding="utf-8"))

    def ask(self, signature: str, **inputs: Any) -> dict[str, np.ndarray]:
        """Calls a signature and returns all its outputs by name, including item details.

        Args:
            signature: String, name of the signature, see `hyperml_tf.serving.SIGNATURES`.
            **inputs: Ids by input name, `(batch,)` or `(batch, n)`. Rows may differ in length; they are padded.

        Raises:
            ValueError: If there is no such signature, or if it has other inputs.
        """
        signatures = self._loaded.signatures
        if signature not in signatures:
            raise ValueError(f"`signature` must be one of {sorted(signatures)}. Received: {signature!r}")
        specs = signatures[signature].structured_input_signature[1]
        if set(specs) != set(inputs):
            raise ValueError(f"{signature!r} takes the inputs {sorted(specs)}. Received: {sorted(inputs)}")
        tensors = {
            name: (_matrix if specs[name].shape.rank == 2 else _vector)(values, name) for name, values in inputs.items()
        }
        answer = signatures[signature](**tensors)
        return {name: _decode(value.numpy()) for name, value in answer.items()}

    def recommend(
        self,
        users: Sequence[Any],
        exclude: Sequence[Any] | None = None,
        include: Sequence[Any] | None = None,
        k: int | None = None,
    ) -> Neighbours:
        """Recommends the nearest items to each user.

        Args:
            users: Raw user ids, `(batch,)`.
            exclude: Item ids that are not recommended, a list for all users, or a list for each user. Unknown ids are ignored.
                Defaults to `None`, none.
            include: The only item ids that may be recommended, likewise. Defaults to `None`, all items.
            k: Optional integer >= 1, number of items, at most that of the exported model. Defaults to `None`, that number.

        Returns:
            A `Neighbours`, with ids as strings, and the item details of the export, if any, in `details`. If fewer items are
            left, the others are `""`, at infinite distance.

        Raises:
            ValueError: If an argument is not lists of ids, or has another number of lists than there are users, or if `k` is more
                than the number of items that the model was exported with.
        """
        if include is None and exclude is None:
            return _neighbours(self.ask("serving_default", **{USER: users}), k)
        users = _listed(users, USER)
        excluded = None if exclude is None else _texts(exclude, "exclude", len(users))
        if include is None:
            return _neighbours(self.ask("recommend_excluding", **{USER: users, EXCLUDE: excluded}), k)
        candidates = _texts(include, "include", len(users))
        if excluded is not None:
            pairs = zip(candidates, map(set, excluded), strict=True)
            candidates = [[one for one in row if one not in unwanted] for row, unwanted in pairs]
        return self.recommend_among(users, candidates, k)

    def recommend_among(
        self, users: Sequence[Any], candidates: Sequence[Sequence[Any]], k: int | None = None
    ) -> Neighbours:
        """Recommends the nearest of some items to each user; unknown ones are ignored.

        Args:
            users: Raw user ids, `(batch,)`.
            candidates: Lists of item ids, one for each user.
            k: As in `recommend`. Defaults to `None`.

        Returns:
            A `Neighbours`, as from `recommend`.
        """
        return _neighbours(self.ask("recommend_among", **{USER: users, CANDIDATES: candidates}), k)

    def recommend_where(self, users: Sequence[Any], column: str, value: Any, k: int | None = None) -> Neighbours:
        """Recommends the nearest of the items with a value in a column to each user.

        Args:
            users: Raw user ids, `(batch,)`.
            column: String, one of the `filter_columns` of the export.
            value: String or integer, a value of the column, or a member of its lists, such as `Comedy` of `Comedy|Drama`.
            k: As in `recommend`. Defaults to `None`.

        Returns:
            A `Neighbours`, as from `recommend`. There are no items for a value that no item has.

        Raises:
            ValueError: If the export does not filter by the column.
        """
        columns = self.card["serving"]["filter_columns"]
        if column not in columns:
            raise ValueError(
                f"`column` must be one of the `filter_columns` of the export, {columns}. Received: {column!r}"
            )
        listed = _listed(users, USER)
        rows = {FILTER_COLUMN: [column] * len(listed), FILTER_VALUE: [value] * len(listed)}
        return _neighbours(self.ask(FILTERED, **{USER: listed, **rows}), k)

    def recommend_from_items(self, histories: Sequence[Sequence[Any]], k: int | None = None) -> Neighbours:
        """Recommends items to new users, given by lists of item ids, oldest first (fold-in); `k` as in `recommend`."""
        return _neighbours(self.ask("recommend_from_items", **{HISTORY: histories}), k)

    def similar_items(self, items: Sequence[Any], k: int | None = None) -> Neighbours:
        """Finds the items nearest to each item, without itself; only `""`, at infinite distance, for an unknown item."""
        return _neighbours(self.ask("similar_items", **{ITEM: items}), k)

    def score(self, users: Sequence[Any], items: Sequence[Sequence[Any]]) -> np.ndarray:
        """Returns the distances, `(batch, n)`, of `n` items per user; infinite for unknown items."""
        return self.ask("score", **{USER: users, ITEM: items})[DISTANCE]

    def explain(self, users: Sequence[Any], items: Sequence[Any]) -> Explanation:
        """Finds the items of users' histories that draw them to items, see `HyperML.explain`.

        Args:
            users: Raw user ids, `(pairs,)`.
            items: Raw item ids, `(pairs,)`, one for each user.

        Returns:
            An `Explanation` with at most `k` items per pair, and none for unknown users and items.
        """
        answer = self.ask("explain", **{USER: users, ITEM: items})
        ids, shares, pulls, distances = (answer.pop(name) for name in (HISTORY, SHARE, PULL, DISTANCE))
        return Explanation(ids, shares, pulls, distances, answer)

    def embed_users(self, users: Sequence[Any]) -> np.ndarray:
        """Returns query vectors for an external index, `(batch, dim + 1)`: the largest dot product is the smallest distance."""
        return self.ask("embed_user", **{USER: users})[VECTOR]

    def embed_items(self, items: Sequence[Any]) -> np.ndarray:
        """Returns item vectors for an external index, `(batch, dim + 1)`; the first number is infinite for unknown items."""
        return self.ask("embed_item", **{ITEM: items})[VECTOR]


def _neighbours(answer: dict[str, np.ndarray], k: int | None) -> Neighbours:
    most = answer[ITEM].shape[1]
    if k is not None and count(k=k) > most:
        raise ValueError(
            f"`k` must be at most {most}, the number of items that the model was exported with. Received: k={k}"
        )
    found = {name: values[:, :k] for name, values in answer.items()}
    return Neighbours(found.pop(ITEM), found.pop(DISTANCE), found)


def _vector(values: Sequence[Any], name: str) -> tf.Tensor:
    return tf.constant([_text(value, name) for value in _listed(values, name)], tf.string)


def _matrix(rows: Sequence[Sequence[Any]], name: str) -> tf.Tensor:
    """Ids as strings, shorter rows padded with ""."""
    texts = [[_text(value, name) for value in _listed(row, name)] for row in _listed(rows, name)]
    longest = max(map(len, texts), default=0)
    padded = [[*row, *[""] * (longest - len(row))] for row in texts]
    return tf.reshape(tf.constant(padded, tf.string), [len(padded), longest])


def _texts(ids: Sequence[Any], name: str, rows: int) -> list[list[bytes]]:
    """A list of ids for each of the rows, from such lists, or from one list for all."""
    listed = _listed(ids, name)
    nested = [hasattr(value, "__iter__") and not isinstance(value, (str, bytes)) for value in listed]
    if any(nested) and len(listed) != rows:
        raise ValueError(
            f"`{name}` must be a list of ids, or such a list for each of {rows} users. Received: {len(listed)} lists"
        )
    if not any(nested):
        return [[_text(value, name) for value in listed]] * rows
    return [[_text(value, name) for value in _listed(row, name)] for row in listed]


def _listed(values: Any, name: str) -> list[Any]:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise ValueError(f"`{name}` must be a list of ids, or of such lists. Received: {values!r}")
    return list(values)


def _text(value: Any, name: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"`{name}` must be text that can be encoded in UTF-8, without lone surrogates. Received: {value!r}"
            ) from error
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return str(value).encode()
    raise ValueError(f"`{name}` must hold ids, strings or integers. Received: {value!r}")


def _decode(values: np.ndarray) -> np.ndarray:
    if values.dtype != object:
        return values
    decoded = np.array([value.decode() for value in values.ravel()], dtype=object)
    return decoded.reshape(values.shape)
