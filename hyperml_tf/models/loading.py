"""Loading of `.keras` files that may come from anybody: nothing in them is run."""

from __future__ import annotations

import errno
import functools
import importlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import h5py
import tensorflow as tf

from hyperml_tf._argument_checks import as_path, check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import PACKAGE
from hyperml_tf.files.archives import check_archive
from hyperml_tf.models.allowed_classes import check_config
from hyperml_tf.models.copies import copied, outside_of_scopes

_CONFIG, _METADATA, _WEIGHTS, _ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets/"
# They register what a file may name.
_ROOMS = (
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "retrieval",
)

_NOT_OF_THE_FILE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EROFS}


@names_arguments
def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Callable[..., Any]] | None = None,
    kind: type | None = None,
) -> Any:
    """Loads a model from a `.keras` file that may come from anybody.

    Unlike `tf.keras.models.load_model`, it runs no code that the file names: before anything is built, the config in the archive
    is compared with a list of classes, see `hyperml_tf.models.allowed_classes`. Models of these classes, `HyperML` with towers of
    Keras layers among them, are loaded as by Keras, with weights, optimizer, vocabularies and histories.

    Args:
        path: Path of the file. Older formats, HDF5 and SavedModel, are refused.
        custom_objects: Classes and functions of your own that the file may name, by their names. They are trusted. Defaults to
            `None`.
        kind: Optional class that the model must be of, such as `HyperML`. Defaults to `None`, any.

    Returns:
        The model, with its tables partitioned as the current scope of `tf.distribute` has it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a `.keras` archive, is damaged, names a class that is not on the list, or holds a model of
            another class than `kind`.

    Example:

    >>> from hyperml_tf.models import HyperML
    >>> HyperML(["ann"], ["a", "b"], dim=4).save("model.keras")
    >>> load_model("model.keras", kind=HyperML).dim
    4
    """
    for room in _ROOMS:
        importlib.import_module(f"{PACKAGE}.{room}")
    source = os.fspath(as_path(path=path))
    check_instance(Mapping, type(None), custom_objects=custom_objects)
    check_instance(type, type(None), kind=kind)
    if not source.endswith(".keras"):
        raise ValueError(f"`path` must be the path of a `.keras` file. Received: {source!r}")
    if {_CONFIG, _METADATA, _WEIGHTS} - set(check_archive(path, _is_member)):
        raise ValueError(
            f"`{path}` must be a model that Keras has saved: {_CONFIG}, {_METADATA} and {_WEIGHTS} in an archive."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read(_CONFIG))
            check_config(config, source, custom_objects)
            _check_kind(config, source, kind)
            _check_weights(archive, source)
    except (KeyError, OSError, RecursionError, RuntimeError, TypeError, UnicodeError, json.JSONDecodeError) as error:
        raise _damaged(source, error) from error
    load = functools.partial(tf.keras.models.load_model, path, custom_objects=dict(custom_objects or {}))
    try:
        # Keras reads into whole tables of one device only.
        model = copied(outside_of_scopes(load)) if tf.distribute.has_strategy() else load()
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except OSError as error:
        # Keras extracts the archive: a disk without space says nothing about the file.
        if error.errno in _NOT_OF_THE_FILE:
            raise
        raise _damaged(source, error) from error
    except Exception as error:  # whatever a class raises whose config or weights do not fit
        raise _damaged(source, error) from error
    if not isinstance(model, tf.keras.Model):
        raise ValueError(f"`{path}` must hold a model. Received: {type(model).__name__}")
    return model


def _is_member(name: str) -> bool:
    return name in (_CONFIG, _METADATA, _WEIGHTS) or name.startswith(_ASSETS)


def _damaged(source: str, error: Exception) -> ValueError:
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return ValueError(f"`{source}` cannot be loaded: it is damaged, or of another release. Received: {said[:500]}")


def _check_kind(config: Any, source: str, kind: type | None) -> None:
    name = config.get("registered_name") if isinstance(config, dict) else None
    found = tf.keras.utils.get_registered_object(name) if isinstance(name, str) else None
    if kind is not None and not (isinstance(found, type) and issubclass(found, kind)):
        received = config.get("class_name") if isinstance(config, dict) else type(config).__name__
        raise ValueError(f"`{source}` must hold a {kind.__name__}. Received: {received}")


def _check_weights(archive: zipfile.ZipFile, source: str) -> None:
    """Refuses weights that HDF5 would take from other files, and arrays that are larger than the file."""
    size = archive.getinfo(_WEIGHTS).file_size
    with archive.open(_WEIGHTS) as member, h5py.File(member, "r") as weights:
        groups, found = [weights], 0
        while groups:
            group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"`{source}` must hold its weights itself. Received: a link, {name!r}")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                    found += 1
                elif item.external or item.is_virtual or item.dtype.kind == "O":
                    raise ValueError(f"`{source}` must hold its weights itself, as numbers. Received: {name!r}")
                else:
                    found += item.nbytes
                # Groups count, too: they may contain one another, without end.
                if found > size:
                    raise ValueError(f"`{source}` must hold its weights in full. Received: weights beyond {size} bytes")
