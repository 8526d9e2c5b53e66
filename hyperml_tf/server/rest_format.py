"""Predict requests and responses in JSON, as in the REST API of TensorFlow Serving."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.server.errors import invalid
from hyperml_tf.server.loaded_version import DEFAULT_SIGNATURE, LoadedVersion
from hyperml_tf.server.predictor import Answer, Call

_BYTES_SUFFIX = "_bytes"
_LONGEST = 200
_DEEPEST = 32  # axes that NumPy has
_INTEGERS = {tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64}
_PARSE_ERRORS = {
    "Expecting value": "Invalid value",
    "Expecting property name enclosed in double quotes": "Missing a name for object member",
    "Expecting ':' delimiter": "Missing a colon after a name of object member",
    "Extra data": "The document root must not be followed by other values",
    "Unterminated string starting at": "Missing a closing quotation mark in string",
}


# Requests --------------------------------------------------------------------------------------------------------


def parse(body: bytes) -> dict[str, Any]:
    """Returns the body of a request as an object.

    Raises:
        RequestError: If it is not a JSON object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        said = _PARSE_ERRORS.get(error.msg, error.msg)
        raise invalid(f"JSON Parse error: {said}. at offset: {error.pos}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, a number of 5,000 digits, 10,000 brackets
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {_shown(document)} Is not object")
    if not isinstance(document.get("signature_name", ""), str):
        raise invalid(
            f"JSON Value: {_shown(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return document


def call_of(document: dict[str, Any], version: LoadedVersion) -> tuple[Call, bool]:
    """Returns the call that the body of a request makes, and whether it is in row format.

    Args:
        document: What `parse` has returned.
        version: The version that will answer.

    Raises:
        RequestError: If the body is not as the signature needs it.
    """
    name = document.get("signature_name") or DEFAULT_SIGNATURE
    if name not in version.signatures:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    dtypes = {alias: tf.as_dtype(one.dtype) for alias, one in version.signatures[name].inputs.items()}
    rows, columns = "instances" in document, "inputs" in document
    if rows and columns:
        raise invalid(
            f"JSON Value: {_shown(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
            "to exist "
        )
    if not rows and not columns:
        raise invalid("Missing 'inputs' or 'instances' key")
    if columns:
        return Call(name, _from_columns(document["inputs"], dtypes)), False
    instances = document["instances"]
    if not isinstance(instances, list):
        raise invalid(f"JSON Value: {_shown(document)} Excepting 'instances' to be an list/array")
    if not instances:
        raise invalid(f"JSON Value: {_shown(document)} No values in 'instances' array")
    return Call(name, _from_rows(instances, dtypes)), True


def _from_columns(given: Any, dtypes: Mapping[str, tf.DType]) -> dict[str, np.ndarray]:
    if not isinstance(given, dict) or _is_base64(given):
        if len(dtypes) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        given = {next(iter(dtypes)): given}
    if missing := [alias for alias in sorted(dtypes) if alias not in given]:
        raise invalid(f"Missing named input: {missing[0]} in 'inputs' object.")
    return {alias: _tensor(given[alias], dtype) for alias, dtype in dtypes.items()}


def _from_rows(instances: list[Any], dtypes: Mapping[str, tf.DType]) -> dict[str, np.ndarray]:
    if not isinstance(instances[0], dict) and len(dtypes) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    named = _is_named(instances[0])
    only = next(iter(dtypes))
    parts: dict[str, list[np.ndarray]] = {alias: [] for alias in dtypes}
    for place, instance in enumerate(instances):
        if named and not _is_named(instance):
            raise invalid(f"Expecting object but got list at item {place} of input list")
        if not named and _is_named(instance):
            raise invalid(f"Expecting value/list but got object at item {place} of input list")
        for alias, value in (instance if named else {only: instance}).items():
            try:
                if alias not in dtypes:
                    raise invalid(f"JSON object: does not have named input: {alias}")
                parts[alias].append(_like(parts[alias], _tensor(value, dtypes[alias])))
            except Exception as error:
                key = f" key: {alias}" if named else ""
                raise invalid(
                    f"Failed to process element: {place}{key} of 'instances' list. Error: INVALID_ARGUMENT: {error}"
                ) from error
        if named and set(instance) != set(dtypes):
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. JSON object: {_shown(instance)} keys must be "
                f"equal to: {','.join(sorted(dtypes))}"
            )
    return {alias: np.stack(values) for alias, values in parts.items()}


def _like(before: list[np.ndarray], value: np.ndarray) -> np.ndarray:
    """The value, if it has the shape of those before."""
    if before and before[0].size != value.size:
        raise invalid(f"Expecting tensor size: {before[0].size} but got: {value.size}")
    if before and before[0].shape != value.shape:
        shapes = ["[" + ",".join(map(str, one.shape)) + "]" for one in (before[0], value)]
        raise invalid(f"Expecting shape {shapes[0]} but got: {shapes[1]}")
    return value


def _tensor(value: Any, dtype: tf.DType) -> np.ndarray:
    """A value, or lists of values of the same length at each level, as an array."""
    shape: list[int] = []
    inner = value
    while isinstance(inner, list):
        shape.append(len(inner))
        if not inner:
            break
        inner = inner[0]
    if len(shape) > _DEEPEST:
        raise invalid(f"JSON Value has {len(shape)} levels of lists. Expected at most {_DEEPEST}")
    flat: list[Any] = []
    _flatten(value, 0, shape, dtype, flat)
    made = np.empty(len(flat), object) if dtype == tf.string else np.empty(len(flat), dtype.as_numpy_dtype)
    try:
        made[:] = flat
    except OverflowError as error:
        raise invalid(f"JSON Value: {_shown(value)} is not of expected type: {dtype.name}") from error
    return made.reshape(shape)


def _flatten(value: Any, level: int, shape: list[int], dtype: tf.DType, flat: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {_shown(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected at level: "
                f"{len(shape)}"
            )
        flat.append(_element(value, dtype))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for one in value:
        _flatten(one, level + 1, shape, dtype, flat)


def _element(value: Any, dtype: tf.DType) -> Any:
    if dtype == tf.string:
        if isinstance(value, str):
            return _encoded(value)
        if isinstance(value, dict):
            return _decoded(value)
    elif isinstance(value, bool):
        if dtype == tf.bool:
            return value
    elif (isinstance(value, int) and (dtype in _INTEGERS or dtype.is_floating)) or (
        isinstance(value, float) and dtype.is_floating
    ):
        return value
    raise invalid(f"JSON Value: {_shown(value)} Type: {_type(value)} is not of expected type: {_name(dtype)}")


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from error


def _decoded(value: dict[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid(f"JSON Value: {_shown(value)} not formatted correctly for base64 data")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _name(dtype: tf.DType) -> str:
    return {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)


def _type(value: Any) -> str:
    names = {type(None): "Null", dict: "Object", list: "Array", str: "String"}
    return str(value) if isinstance(value, bool) else names.get(type(value), "Number")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


# Responses -------------------------------------------------------------------------------------------------------


def response(answer: Answer, rows: bool) -> bytes:
    """Returns the body of a response.

    Args:
        answer: What the model has answered.
        rows: Boolean, whether the request was in row format.

    Raises:
        RequestError: If the outputs cannot be written in that format.
    """
    columns = {alias: _plain(alias, values) for alias, values in answer.outputs.items()}
    if not rows:
        return _json({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})
    sizes = {len(values) if values.ndim else None for values in answer.outputs.values()}
    if len(sizes) > 1 or None in sizes:
        raise invalid(f"Tensor name: {next(iter(columns))} has inconsistent batch size")
    if len(columns) == 1:
        return _json({"predictions": next(iter(columns.values()))})
    return _json({"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]})


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _plain(alias: str, values: np.ndarray) -> Any:
    if values.dtype == object:
        write = _in_base64 if alias.endswith(_BYTES_SUFFIX) else _text
        flat = np.empty(values.size, object)
        flat[:] = [write(one) for one in values.ravel().tolist()]
        return flat.reshape(values.shape).tolist()
    if values.dtype == np.float32:
        # Nine digits are all that a float32 has; as a float64 it would have seventeen.
        return np.array([float(f"{one:.9g}") for one in values.ravel().tolist()]).reshape(values.shape).tolist()
    return values.tolist()


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _in_base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}
