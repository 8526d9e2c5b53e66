"""Models for more users and items than they were made for, which keep all that they have learned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.data.identifiers import as_integers, as_text
from hyperml_tf.geometry import poincare
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import IdLookup
from hyperml_tf.tables.ids import id_array

_FAR = 3.0


def extended(model: Any, users: Any, items: Any, rows: Interactions | None) -> Any:
    """Returns a model with more users and items; see `HyperML.extended`."""
    for role, tower in (("query", model.query_tower), ("candidate", model.candidate_tower)):
        if isinstance(tower, NetworkTower):
            raise ValueError(
                "A model cannot be extended if a network computes its points, because the features of new ids are unknown: "
                f"make a new one with the features of all ids, and train it. Received: a model with a `{role}_network`"
            )
    # Variables cannot change their shapes, so all of them are made anew.
    ids = {
        "query_ids": _with_new(model.query_lookup, {"users": users, "rows": None if rows is None else rows.user_ids}),
        "candidate_ids": _with_new(
            model.candidate_lookup, {"items": items, "rows": None if rows is None else rows.item_ids}
        ),
    }
    with model.distribute_strategy.scope():
        new = type(model).from_config({**model.get_config(), **ids})
        _copy_rows(_weights(model), _weights(new))
        new.seen.set(model.seen.users, model.seen.items)
        _move_out_of_the_way(new, len(model.candidate_tower))
        if rows is not None:
            _place_at_their_users(new, rows.recode(*ids.values()), len(model.query_tower))
        if (compiled := model.get_compile_config()) is not None:
            new.compile_from_config(compiled)
            _copy_slots(model, new)
    return new


def _with_new(lookup: IdLookup, given: Mapping[str, Any]) -> np.ndarray:
    """The vocabulary of a lookup, and behind it those of some ids, by the name of their argument, that it does not have."""
    known = lookup.ids
    new: dict[Any, None] = {}
    for name, ids in given.items():
        if ids is None or not len(ids):
            continue
        array = id_array(ids, name)
        if known.dtype == object:
            array = array if array.dtype == object else as_text(array.tolist())
        elif array.dtype == object:
            array = _integers(array, name)
        new |= dict.fromkeys(array.tolist())
    held = set(known.tolist())
    return np.concatenate([known, np.array([one for one in new if one not in held], known.dtype)])


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


def _move_out_of_the_way(model: Any, known: int) -> None:
    """Moves the items behind the known ones three times as far from the origin as the farthest of these.

    A user who is not farther than that item is then nearer to all known items than to the new ones, by the triangle inequality.
    """
    tangents = _item_tangents(model)
    norms = tf.norm(tangents, axis=-1, keepdims=True)
    directions = tf.math.divide_no_nan(tangents[known:], norms[known:])
    _assign_items(model, tf.range(known, len(model.candidate_tower)), _FAR * tf.reduce_max(norms[:known]) * directions)


def _place_at_their_users(model: Any, rows: Interactions, known: int) -> None:
    """Moves the items that have no history into the mean direction of their users, as far from the origin as a median item.

    The users are those of the rows, with the rows in their histories. New users who have no other place than an embedding do not
    count. The mean itself is no place for an item with a few rows: it is so near to these users, or to the origin, that the item
    would be recommended to most others, too.
    """
    first = ~np.isin(rows.items, model.seen.items)
    if model.query_tower.seen is None:
        first &= rows.users < known
    if not first.any() or not len(model.seen):
        return
    seen = dataclasses.replace(rows, users=model.seen.users, items=model.seen.items, weights=None, times=None)
    users, owners = np.unique(rows.users[first], return_inverse=True)
    with model.seen.replaced(seen.append(rows)):
        block = model.query_tower.block
        points = [model.query_tower.points(tf.constant(users[at : at + block])) for at in range(0, len(users), block)]
    tangents = tf.gather(poincare.logmap0(tf.concat(points, 0), model.curvature()), owners)
    items, places = np.unique(rows.items[first], return_inverse=True)
    means = tf.math.unsorted_segment_mean(tangents, places, len(items))
    usual = np.median(np.linalg.norm(_item_tangents(model).numpy()[np.unique(model.seen.items)], axis=1))
    _assign_items(model, items, tf.math.divide_no_nan(means, tf.norm(means, axis=-1, keepdims=True)) * usual)


def _item_tangents(model: Any) -> Tensor:
    """The tangent vectors at the origin of all items."""
    layer = model.candidate_tower.embedding
    rows = layer.embeddings.read_value()
    return rows if layer.mode == "tangent" else poincare.logmap0(rows, model.curvature())


def _assign_items(model: Any, items: Any, tangents: Tensor) -> None:
    layer = model.candidate_tower.embedding
    rows = tangents if layer.mode == "tangent" else poincare.expmap0(tangents, model.curvature())
    layer.embeddings.scatter_update(tf.IndexedSlices(rows, items))
