"""The gRPC services of TensorFlow Serving: PredictionService and ModelService."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from hyperml_tf.server.errors import RequestError, invalid
from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.server.manager import ModelManager, ModelSpec
from hyperml_tf.server.predictor import Call, Predictor, signature_of

_SIGNATURES = "signature_def"


def start_grpc(address: str, predictor: Predictor, threads: int, max_bytes: int) -> tuple[grpc.Server, int]:
    """Starts the services.

    Args:
        address: String, host and port; port 0 is any free port.
        predictor: A `Predictor`.
        threads: Integer >= 1, number of requests that are read, waited for and written at a time.
        max_bytes: Integer, largest size of a request.

    Returns:
        The gRPC server, and its port.

    Raises:
        OSError: If the port is not free.
    """
    options = [("grpc.max_receive_message_length", max_bytes), ("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(threads, "hyperml-grpc"), options=options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Prediction(predictor), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Model(predictor.manager), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if not port:
        raise OSError(f"{address} is in use, or not an address of this machine")
    server.start()
    return server, port


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _errors_sent(context):
            spec = _spec(request)
            answer = self._predictor.submit("gRPC", spec, lambda version: _call(request, version)).result()
            response = predict_pb2.PredictResponse()
            response.model_spec.name, response.model_spec.signature_name = spec.name, answer.signature
            response.model_spec.version.value = answer.version
            for alias, values in answer.outputs.items():
                response.outputs[alias].CopyFrom(tf.make_tensor_proto(values, answer.dtypes[alias]))
            return response

    def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _errors_sent(context):
            spec = _spec(request)
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            if unknown := [field for field in request.metadata_field if field != _SIGNATURES]:
                raise invalid(f"Metadata field {unknown[0]} is not supported")
            version = self._predictor.manager.acquire(spec)
            try:
                signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=version.signatures)
            finally:
                version.release()
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name, response.model_spec.version.value = spec.name, version.number
            response.metadata[_SIGNATURES].Pack(signatures)
            return response


class _Model(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _errors_sent(context):
            response = get_model_status_pb2.GetModelStatusResponse()
            for one in self._manager.statuses(_spec(request)):
                state = get_model_status_pb2.ModelVersionStatus.State.Value(one.state)
                added = response.model_version_status.add(version=one.version, state=state)
                added.status.error_code, added.status.error_message = one.code.value[0], one.message
            return response


def _spec(request: Any) -> ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec = request.model_spec
    chosen = spec.WhichOneof("version_choice")
    return ModelSpec(
        spec.name,
        spec.version.value if chosen == "version" else None,
        spec.version_label if chosen == "version_label" else None,
    )


def _call(request: Any, version: LoadedVersion) -> Call:
    inputs = {}
    for alias, proto in request.inputs.items():
        try:
            inputs[alias] = tf.make_ndarray(proto)
        except Exception as error:  # whatever a client may have put into the message
            raise invalid(f"tensor parsing error: {alias}") from error
    return Call(signature_of(request.model_spec.signature_name), inputs, list(request.output_filter))


@contextmanager
def _errors_sent(context: Any) -> Iterator[None]:
    try:
        yield
    except RequestError as error:
        context.abort(error.code, str(error))
