"""An export behind `hyperml-tf serve`, in a process of its own, and clients that ask it by both protocols."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

MODEL = "hyperml"
WRONG = (
    ("no_such_signature", {"user_id": ["a"]}),
    ("serving_default", {"user_id": [["a"]]}),
    ("score", {"user_id": ["a", "b"], "item_id": [["c"]]}),
    ("recommend_excluding", {"user_id": ["a"]}),
)
"""Calls that must be refused."""


class Refused(Exception):  # noqa: N818
    """The server has refused a request as wrong."""


class Served:
    """A server that runs until the block ends."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "hyperml_tf", "serve", str(path), "--port", "0", "--grpc-port", "0"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        said = "".join(self._process.stdout.readline() for _ in range(5))
        self.address = re.findall(r"REST +http://([^/\s]+)", said)[0]
        self.grpc_address = re.findall(r"gRPC +(\S+)", said)[0]

    @property
    def pid(self) -> int:
        return self._process.pid

    def versions(self) -> list[str]:
        """The versions that answer, by the status of the model."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("GET", f"/v1/models/{MODEL}")
        status = json.loads(connection.getresponse().read())["model_version_status"]
        return [one["version"] for one in status if one["state"] == "AVAILABLE"]

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)


class RestClient:
    """A client with one connection."""

    def __init__(self, served: Served) -> None:
        self._connection = http.client.HTTPConnection(served.address, timeout=60)

    def ask(self, signature: str, inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
        body = json.dumps({"signature_name": signature, "inputs": inputs})
        try:
            self._connection.request("POST", f"/v1/models/{MODEL}:predict", body)
            response = self._connection.getresponse()
            answer = json.loads(response.read())
        except Exception:
            self._connection.close()  # the next call opens another
            raise
        if response.status == 400:
            raise Refused(answer["error"])
        if response.status != 200:
            raise RuntimeError(answer["error"])
        outputs = answer["outputs"]
        return {
            name: tf.constant(values)
            for name, values in (outputs if isinstance(outputs, dict) else {"": outputs}).items()
        }


class GrpcClient:
    """A client with one channel."""

    def __init__(self, served: Served) -> None:
        unlimited = [("grpc.max_receive_message_length", -1)]
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(
            grpc.insecure_channel(served.grpc_address, unlimited)
        )

    def ask(self, signature: str, inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = MODEL, signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values, tf.string))
        try:
            response = self._stub.Predict(request, timeout=60)
        except grpc.RpcError as error:
            if error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION):
                raise Refused(error.details()) from error
            raise
        return {name: tf.constant(tf.make_ndarray(value)) for name, value in response.outputs.items()}
