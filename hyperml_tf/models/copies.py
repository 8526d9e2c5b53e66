"""Copies of a model under another strategy of `tf.distribute`, whose tables have another number of shards."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from hyperml_tf.distribution import shards
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.tables import IdLookup

_Result = TypeVar("_Result")

# The name of a shard, as `ParameterServerStrategy` makes it.
_SHARD = re.compile(r"(.+)/part_(\d+)")


def copied(model: Any) -> Any:
    """Returns a copy of a recommender, in the current scope of `tf.distribute`: with all weights, ids and the optimizer's state.

    Args:
        model: A `Recommender` that was made in any scope.

    Example:

    >>> from hyperml_tf.models import HyperML
    >>> model = HyperML(["u"], ["a", "b"], dim=4, history=0)
    >>> bool(copied(model)({"user_id": ["u"], "item_id": ["b"]}) == model({"user_id": ["u"], "item_id": ["b"]}))
    True
    """
    new = type(model).from_config(model.get_config())
    _copy_assets(model, new)
    _copy_values(model.variables, new.variables)
    compiled = model.get_compile_config()
    if compiled is not None:
        new.compile_from_config(compiled)
        # Keras does not give access to the state of its legacy optimizers; `compile_from_config` says so.
        if isinstance(new.optimizer, tf.keras.optimizers.Optimizer):
            model.optimizer.build(model.trainable_variables)
            _copy_values(model.optimizer.variables, new.optimizer.variables)
    return new


def whole_weights(layer: Any) -> list[np.ndarray]:
    """Returns the weights of a layer as `get_weights`, without shards.

    Args:
        layer: A Keras layer that was made in any scope.
    """
    groups = shards_of_tables(layer.weights)
    return [group[0].numpy() if len(group) == 1 else _rows(group, 0, _size(group)).numpy() for group in groups]


def outside_of_scopes(function: Callable[[], _Result]) -> _Result:
    """Calls a function outside of the scope of any strategy: scopes belong to threads."""
    with ThreadPoolExecutor(1) as other_thread:
        return other_thread.submit(function).result()


def shards_of_tables(variables: Sequence[Any]) -> list[list[Any]]:
    """Groups the shards of each table; a variable that is not partitioned is a group of its own.

    The groups are in the order of the variables of the same model without shards.

    Args:
        variables: The variables of a layer, a model or an optimizer, shards in their order.

    Example:

    >>> names = ["a/part_0", "b", "a/part_1"]
    >>> groups = shards_of_tables([tf.Variable(0.0, name=name) for name in names])
    >>> [len(group) for group in groups]
    [2, 1]
    """
    groups: list[list[Any]] = []
    begun: dict[str, list[Any]] = {}
    for variable in variables:
        if not isinstance(variable, tf.Variable):  # the slots of an optimizer are grouped already
            groups.append(shards(variable))
            continue
        shard = _SHARD.fullmatch(variable.name.split(":")[0])
        name, number = (shard[1], int(shard[2])) if shard else (variable.name, 0)
        if number and len(begun.get(name, [])) == number:
            begun[name].append(variable)
        else:
            begun[name] = [variable]
            groups.append(begun[name])
    return groups


def _copy_values(sources: Sequence[Any], targets: Sequence[Any]) -> None:
    """Assigns variables to those of the same model with another number of shards."""
    for source, target in zip(shards_of_tables(sources), shards_of_tables(targets), strict=True):
        if len(source) == len(target) == 1:
            target[0].assign(source[0].read_value())
            continue
        begin = 0
        for shard in target:
            end = begin + int(shard.shape[0])
            shard.assign(_rows(source, begin, end))
            begin = end


def _rows(shards: Sequence[Any], begin: int, end: int) -> Any:
    """The rows of a table from `begin` to `end`: shards without any of them are not read."""
    parts, first = [], 0
    for shard in shards:
        size = int(shard.shape[0])
        low, high = max(begin - first, 0), min(end - first, size)
        if low < high:
            parts.append(shard.read_value()[low:high])
        first += size
    return tf.concat(parts, axis=0)


def _size(shards: Sequence[Any]) -> int:
    return sum(int(shard.shape[0]) for shard in shards)


def _copy_assets(model: Any, new: Any) -> None:
    """Copies ids and features, which are no variables."""
    pairs = zip(*([part for part in one.submodules if _has_assets(part)] for one in (model, new)), strict=True)
    for source, target in pairs:
        with tempfile.TemporaryDirectory() as folder:
            source.save_assets(folder)
            if any(Path(folder).iterdir()):
                target.load_assets(folder)


def _has_assets(part: Any) -> bool:
    return isinstance(part, (IdLookup, NetworkTower))
