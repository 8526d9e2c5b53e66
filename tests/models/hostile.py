"""`.keras` archives as somebody who means harm would write them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

Config = dict[str, Any]


def members(path: Path) -> dict[str, bytes]:
    """The members of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """Writes an archive of these members."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def with_config(source: Path, path: Path, change: Callable[[Config], Any]) -> Path:
    """Copies an archive with another config; `change` edits it, or returns a new one."""
    parts = members(source)
    config = json.loads(parts["config.json"])
    changed = change(config)
    return write(path, {**parts, "config.json": json.dumps(config if changed is None else changed).encode()})


def layer(
    class_name: str, module: str | None = "keras.layers", registered: str | None = None, /, **config: Any
) -> Config:
    """The config of an object."""
    return {"module": module, "class_name": class_name, "registered_name": registered, "config": config}


def function(name: str, module: str, registered: str | None = None) -> Config:
    """The config of a function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered or name}


def functional(called: Config, *arguments: Any) -> Config:
    """A functional model that calls a layer with constants when it is built."""
    name = called["config"]["name"]
    start = layer("InputLayer", batch_input_shape=[None, 1], dtype="float32", sparse=False, ragged=False, name="i")
    inbound = [["_CONSTANT_VALUE", -1, one, {}] for one in arguments]
    return {
        **layer("Functional", "tf_keras.src.engine.functional", "Functional"),
        "config": {
            "name": "functional",
            "trainable": True,
            "layers": [
                {**start, "name": "i", "inbound_nodes": []},
                {**called, "name": name, "inbound_nodes": [inbound]},
            ],
            "input_layers": [["i", 0, 0]],
            "output_layers": [[name, 0, 0]],
        },
    }


def lambda_layer(function: Any, kind: str = "function") -> Config:
    """A `Lambda` layer."""
    return layer(
        "Lambda",
        name="l",
        trainable=True,
        dtype="float32",
        function=function,
        function_type=kind,
        module=None,
        output_shape=None,
        output_shape_type="raw",
        output_shape_module=None,
        arguments={},
    )


def weights(change: Callable[[h5py.File], None], start: bytes = b"") -> bytes:
    """The bytes of an HDF5 file."""
    buffer = io.BytesIO(start)
    with h5py.File(buffer, "a") as file:
        change(file)
    return buffer.getvalue()
