"""A search is resumed with the arguments that it began with, or not at all: what is measured must be comparable."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np
import tensorflow as tf

_IRRELEVANT = ("callbacks", "max_queue_size", "use_multiprocessing", "verbose", "workers")


def compare(project_dir: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Compares the arguments of a search with those that it began with.

    Args:
        project_dir: String, the directory of the search.
        before: The arguments that it began with, by name; values as in JSON.
        now: The arguments, likewise.

    Raises:
        ValueError: If an argument differs, with the names of all that do.
    """
    old, new = (_flat(json.loads(json.dumps(arguments))) for arguments in (before, now))
    if changed := [name for name in {**old, **new} if old.get(name) != new.get(name)]:
        names = ", ".join(f"`{name}`" for name in changed)
        began, received = (
            ", ".join(f"{name}={values[name]!r}" if name in values else f"no {name}" for name in changed)
            for values in (old, new)
        )
        raise ValueError(
            f"{names} must be as when the search in {project_dir} began: {began}. Received: {received}. For another search "
            "choose another directory, or remove this one."
        )


def _flat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `{"seed": 0, "config.dim": 8}` for `{"seed": 0, "config": {"dim": 8}}`."""
    flat: dict[str, Any] = {}
    for name, value in arguments.items():
        flat |= {f"{name}.{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def explore_space(hypermodel: Any, oracle: Any) -> dict[str, str]:
    """Returns a description of the search space that keras-tuner finds for a new search.

    Args:
        hypermodel: A `keras_tuner.HyperModel`.
        oracle: The oracle of the search, before it is reloaded: the hyperparameters that it was given are part of the space.
    """
    scratch = keras_tuner.Oracle(
        hyperparameters=oracle.get_space(),
        allow_new_entries=oracle.allow_new_entries,
        tune_new_entries=oracle.tune_new_entries,
        seed=1,
    )
    with tempfile.TemporaryDirectory() as directory:
        keras_tuner.Tuner(scratch, hypermodel, directory=directory)
    return describe_space(scratch.get_space())


def describe_space(space: Any) -> dict[str, str]:
    """Returns a description of the hyperparameters of a `keras_tuner.HyperParameters` by name."""
    described: dict[str, str] = {}
    for hp in space.get_config()["space"]:
        config = dict(hp["config"])
        name = config.pop("name")
        text = f"{hp['class_name']}({', '.join(f'{key}={value!r}' for key, value in config.items())})"
        # Several with different conditions may share a name.
        described[name] = f"{described[name]} or {text}" if name in described else text
    return described


def describe_fit(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Returns what can be compared of the arguments of `search`.

    Numbers and strings are compared as they are, arrays by a hash, datasets by their element specification, others by type.
    """
    named = {f"positional argument {place}": value for place, value in enumerate(args, start=1)}
    return _describe({**named, **{name: value for name, value in kwargs.items() if name not in _IRRELEVANT}})


def _describe(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_describe(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _describe(one) for name, one in value.items()}
    if isinstance(value, tf.data.Dataset):
        return repr(value.element_spec)
    if not hasattr(value, "__array__"):
        return type(value).__name__
    array = np.asarray(value)
    data = repr(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).tobytes()
    return f"{array.dtype} array of shape {array.shape}, {hashlib.blake2b(data, digest_size=8).hexdigest()}"
