"""Status and metadata of a model in JSON, as in the REST API of TensorFlow Serving."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tensorflow.core.framework import types_pb2

from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.server.manager import Status


def status(statuses: Iterable[Status]) -> dict[str, Any]:
    """Returns the states of versions."""
    return {
        "model_version_status": [
            {
                "version": str(one.version),
                "state": one.state,
                "status": {"error_code": one.code.name, "error_message": one.message},
            }
            for one in statuses
        ]
    }


def metadata(name: str, version: LoadedVersion) -> dict[str, Any]:
    """Returns the signatures of a version."""
    signatures = {
        signature: {
            "inputs": {alias: _tensor(one) for alias, one in definition.inputs.items()},
            "outputs": {alias: _tensor(one) for alias, one in definition.outputs.items()},
            "method_name": definition.method_name,
        }
        for signature, definition in version.signatures.items()
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version.number)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _tensor(info: Any) -> dict[str, Any]:
    shape = info.tensor_shape
    return {
        "dtype": types_pb2.DataType.Name(info.dtype),
        "tensor_shape": {
            "dim": [{"size": str(one.size), "name": one.name} for one in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": info.name,
    }
