"""Models for more users and items than they were made for, which keep all that they have learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.data.identifiers import as_integers, as_text
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.tables import IdLookup
from hyperml_tf.tables.ids import id_array


def extended(model: Any, users: Any, items: Any) -> Any:
    """Returns a model with more users and items; see `HyperML.extended`."""
    for role, tower in (("query", model.query_tower), ("candidate", model.candidate_tower)):
        if isinstance(tower, NetworkTower):
            raise ValueError(
                "A model cannot be extended if a network computes its points, because the features of new ids are unknown: "
                f"make a new one with the features of all ids, and train it. Received: a model with a `{role}_network`"
            )
    # Variables cannot change their shapes, so all of them are made anew.
    ids = {
        "query_ids": _with_new(model.query_lookup, users, "users"),
        "candidate_ids": _with_new(model.candidate_lookup, items, "items"),
    }
    with model.distribute_strategy.scope():
        new = type(model).from_config({**model.get_config(), **ids})
        _copy_rows(_weights(model), _weights(new))
        _move_out_of_the_way(new.candidate_tower.embedding.embeddings, len(model.candidate_tower))
        new.seen.set(model.seen.users, model.seen.items)
        if (compiled := model.get_compile_config()) is not None:
            new.compile_from_config(compiled)
            _copy_slots(model, new)
    return new


def _with_new(lookup: IdLookup, ids: Any, name: str) -> np.ndarray:
    """The vocabulary of a lookup, and behind it those of the ids that it does not have, each once."""
    known = lookup.ids
    if ids is None or not len(ids):
        return known
    given = id_array(ids, name)
    if known.dtype == object:
        given = given if given.dtype == object else as_text(given.tolist())
    elif given.dtype == object:
        given = _integers(given, name)
    held = set(known.tolist())
    new = [one for one in dict.fromkeys(given.tolist()) if one not in held]
    return np.concatenate([known, np.array(new, known.dtype)])


def _integers(texts: np.ndarray, name: str) -> np.ndarray:
    """Text as integers, of which it is the decimal form, as in all lookups."""
    limits, numbers = np.iinfo(np.int64), as_integers(texts)
    for text, number in zip(texts.tolist(), numbers.tolist(), strict=True):
        if number is None or not limits.min <= number <= limits.max:
            raise ValueError(f"`{name}` must be integers, as those that the model knows. Received: {text!r}")
    return numbers.astype(np.int64)


def _weights(model: Any) -> list[tf.Variable]:
    """The variables of a model but for those that belong to its number of ids: their hashes, and the histories."""
    others = (model.query_lookup, model.candidate_lookup, model.seen)
    left_out = {variable.ref() for layer in others for variable in layer.variables}
    return [variable for variable in model.variables if variable.ref() not in left_out]


def _copy_rows(old: Sequence[tf.Variable], new: Sequence[tf.Variable]) -> None:
    """Assigns variables to others, which may have more rows: these stay as they are."""
    for source, target in zip(old, new, strict=True):
        values = source.read_value()
        if source.shape != target.shape:
            values = tf.concat([values, target[source.shape[0] :]], axis=0)
        target.assign(values)


def _copy_slots(model: Any, new: Any) -> None:
    # Legacy optimizers of Keras have no state that could be read before a step; `compile_from_config` says so.
    if isinstance(new.optimizer, tf.keras.optimizers.Optimizer):
        model.optimizer.build(model.trainable_variables)
        _copy_rows(model.optimizer.variables, new.optimizer.variables)


def _move_out_of_the_way(table: tf.Variable, known: int) -> None:
    """Moves the rows behind the known ones as far from the origin as the farthest of these."""
    rows = table[known:]
    farthest = tf.reduce_max(tf.norm(table[:known], axis=-1))
    table.assign(
        tf.concat([table[:known], tf.math.divide_no_nan(rows, tf.norm(rows, axis=-1, keepdims=True)) * farthest], 0)
    )
