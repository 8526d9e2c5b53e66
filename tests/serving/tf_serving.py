"""A small stand-in for TensorFlow Serving: the same loader, gRPC service and REST formats, in one process of Python.

It follows what the real server does with a Predict call: the signature is looked up in the MetaGraph, inputs and outputs are
mapped by their aliases to tensors of a session that was loaded from the SavedModel with the tag "serve", and outputs come back
as TensorProtos. REST bodies become the same PredictRequests. Status codes are those of the real server.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2, prediction_service_pb2_grpc

DEFAULT = "serving_default"
HTTP = {grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.FAILED_PRECONDITION: 412, grpc.StatusCode.NOT_FOUND: 404}


class Refused(Exception):  # noqa: N818
    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Servable:
    """The highest version under a directory, in a session."""

    def __init__(self, name: str, base: Path) -> None:
        self.name = name
        self.version = max(int(path.name) for path in base.iterdir() if path.name.isdecimal())
        self.path = base / str(self.version)
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(self.path))
        self.signatures = dict(meta.signature_def)
        self.warmed_up = self._warm_up()

    def _warm_up(self) -> int:
        """Answers the requests of the warm-up file; as in the real server, one that fails stops the load."""
        file = self.path / "assets.extra" / "tf_serving_warmup_requests"
        if not file.exists():
            return 0
        count = 0
        for record in tf.compat.v1.io.tf_record_iterator(str(file)):
            log = prediction_log_pb2.PredictionLog.FromString(record)
            assert log.WhichOneof("log_type") == "predict_log"
            self.predict(log.predict_log.request)
            count += 1
        assert count <= 1000
        return count

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        if request.model_spec.name not in ("", self.name):
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request.model_spec.name}")
        name = request.model_spec.signature_name or DEFAULT
        if name not in self.signatures:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        signature = self.signatures[name]
        if set(request.inputs) != set(signature.inputs):
            sent, wanted = sorted(request.inputs), sorted(signature.inputs)
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"input does not match signature: {sent} != {wanted}")
        feeds = {}
        for alias, proto in request.inputs.items():
            if proto.dtype != signature.inputs[alias].dtype:
                types = [tf.as_dtype(value).name for value in (signature.inputs[alias].dtype, proto.dtype)]
                raise Refused(
                    grpc.StatusCode.INVALID_ARGUMENT, f"Expects {alias} to be {types[0]} but {types[1]} is given"
                )
            feeds[signature.inputs[alias].name] = tf.make_ndarray(proto)
        wanted = list(request.output_filter) or sorted(signature.outputs)
        if unknown := [alias for alias in wanted if alias not in signature.outputs]:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"output tensor alias not found in signature: {unknown}")
        try:
            values = self._session.run([signature.outputs[alias].name for alias in wanted], feeds)
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
        response = predict_pb2.PredictResponse()
        response.model_spec.name, response.model_spec.signature_name = self.name, name
        response.model_spec.version.value = self.version
        for alias, value in zip(wanted, values, strict=True):
            response.outputs[alias].CopyFrom(tf.make_tensor_proto(value, signature.outputs[alias].dtype))
        return response

    def rest(self, body: dict[str, Any]) -> dict[str, Any]:
        """A REST call in row format (`instances`) or in column format (`inputs`)."""
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = body.get("signature_name", DEFAULT)
        signature = self.signatures.get(request.model_spec.signature_name)
        rows = "instances" in body
        if rows == ("inputs" in body):
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "JSON must have one of 'instances' and 'inputs'")
        for alias, values in self._columns(body, signature, rows).items():
            request.inputs[alias].CopyFrom(_proto(alias, values))
        outputs = {alias: tf.make_ndarray(value) for alias, value in self.predict(request).outputs.items()}
        plain = {alias: np.vectorize(_plain, otypes=[object])(value).tolist() for alias, value in outputs.items()}
        if not rows:
            return {"outputs": plain if len(plain) > 1 else next(iter(plain.values()))}
        if len(plain) == 1:
            return {"predictions": next(iter(plain.values()))}
        if len({len(values) for values in plain.values()}) > 1:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "outputs differ in their 0-th dimension")
        return {"predictions": [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]}

    @staticmethod
    def _columns(body: dict[str, Any], signature: Any, rows: bool) -> dict[str, list[Any]]:
        given = body["instances" if rows else "inputs"]
        only = next(iter(signature.inputs)) if signature is not None and len(signature.inputs) == 1 else None
        if not rows:
            return given if isinstance(given, dict) else {only: given}
        if only is not None and not isinstance(given[0], dict):
            return {only: given}
        if len({tuple(sorted(row)) for row in given}) > 1:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "every instance must have the same inputs")
        return {alias: [row[alias] for row in given] for alias in given[0]}


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _proto(alias: str, values: list[Any]) -> Any:
    try:
        array = np.array(values)
    except ValueError as error:
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"{alias}: lists must not be ragged") from error
    if array.dtype.kind != "U" and array.size:
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"JSON value of {alias} is not of expected type: string")
    return tf.make_tensor_proto(np.array(values, object), tf.string, array.shape)


class _Grpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, servable: Servable) -> None:
        self.servable = servable

    def Predict(self, request, context):  # noqa: N802
        try:
            return self.servable.predict(request)
        except Refused as refused:
            context.abort(refused.code, str(refused))


@contextmanager
def grpc_server(servable: Servable) -> Iterator[int]:
    """The servable behind gRPC on this machine; gives the port."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Grpc(servable), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield port
    server.stop(None)


@contextmanager
def rest_server(servable: Servable) -> Iterator[str]:
    """The servable behind HTTP on this machine, and the address of its model."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, answer = 200, {}
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                if self.path != f"/v1/models/{servable.name}:predict":
                    raise Refused(grpc.StatusCode.NOT_FOUND, f"Not found: {self.path}")
                answer = servable.rest(json.loads(body))
            except Refused as refused:
                status, answer = HTTP[refused.code], {"error": str(refused)}
            text = json.dumps(answer, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}/v1/models/{servable.name}"
    server.shutdown()
    server.server_close()
