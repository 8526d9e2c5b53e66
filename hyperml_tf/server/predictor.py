"""The way of a Predict request, whatever protocol it came by."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import grpc

from hyperml_tf.server.batching import Batcher, Outputs, Request
from hyperml_tf.server.errors import RequestError, invalid
from hyperml_tf.server.loaded_version import DEFAULT_SIGNATURE, LoadedVersion, Tensors
from hyperml_tf.server.manager import ModelManager, ModelSpec
from hyperml_tf.server.metrics import Metrics

logger = logging.getLogger(__name__)

OTHER = "other"
"""What metrics call the signatures that a model does not have."""


class Call(NamedTuple):
    """What is asked of a model.

    Attributes:
        signature: String, name of the signature.
        inputs: Arrays by input name.
        outputs: Names of the outputs to return, or nothing for all of them.
    """

    signature: str
    inputs: Tensors
    outputs: Sequence[str] = ()


class Answer(NamedTuple):
    """What a model has answered.

    Attributes:
        version: Integer, number of the version.
        signature: String, name of the signature.
        outputs: Arrays by output name.
        dtypes: Types of the outputs by name, numbers of `tf.DType`.
    """

    version: int
    signature: str
    outputs: Outputs
    dtypes: dict[str, int]


class Predictor:
    """Answers Predict requests.

    Args:
        manager: A `ModelManager`.
        batcher: A `Batcher`.
        metrics: A `Metrics`.
    """

    def __init__(self, manager: ModelManager, batcher: Batcher, metrics: Metrics) -> None:
        self.manager, self._batcher, self._metrics = manager, batcher, metrics

    def submit(self, protocol: str, spec: ModelSpec, read: Callable[[LoadedVersion], Call]) -> Future[Answer]:
        """Queues a request.

        Args:
            protocol: String, "REST" or "gRPC".
            spec: The model.
            read: A function that reads the request, given the version that will answer.

        Returns:
            A `Future` of the answer; its exceptions are `RequestError`.
        """
        answer: Future[Answer] = Future()
        answer.set_running_or_notify_cancel()  # so that nobody cancels it: the version must be released
        started = time.perf_counter()

        def finish(signature: str, error: BaseException | None, value: Answer | None = None) -> None:
            refused = None if error is None else _refused(error)
            code = "OK" if refused is None else refused.code.name
            self._metrics.request(protocol, signature, code, time.perf_counter() - started)
            if refused is None:
                answer.set_result(value)  # type: ignore[arg-type]  # there is one if there is no error
            else:
                answer.set_exception(refused)

        try:
            version = self.manager.acquire(spec)
        except RequestError as error:
            finish(OTHER, error)
            return answer
        self._ask(version, read, finish)
        return answer

    def _ask(self, version: LoadedVersion, read: Callable[[LoadedVersion], Call], finish: Callable[..., None]) -> None:
        """Asks a version, which is released when it has answered."""
        name = OTHER
        try:
            call = read(version)
            name = call.signature if call.signature in version.signatures else OTHER
            _check(version, call)
            outputs: Future[Outputs] = Future()

            def done(found: Future[Outputs]) -> None:
                version.release()
                error = found.exception()
                finish(name, error, None if error else _answer(version, call, found.result()))

            outputs.add_done_callback(done)
            self._batcher.submit(Request(version, call.signature, call.inputs, outputs))
        except Exception as error:
            version.release()
            finish(name, error)


def _check(version: LoadedVersion, call: Call) -> None:
    signature = version.signatures.get(call.signature)
    if signature is None:
        raise RequestError(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{call.signature}" not found.')
    version.check(call.signature, call.inputs)
    for place, alias in enumerate(call.outputs):
        if alias not in signature.outputs:
            names = ",".join(sorted(signature.outputs))
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set {{{names}}}."
            )
        if alias in call.outputs[:place]:
            raise invalid(f"duplicate output tensor alias: {alias}")


def _answer(version: LoadedVersion, call: Call, outputs: Outputs) -> Answer:
    declared = version.signatures[call.signature].outputs
    wanted = call.outputs or sorted(outputs)
    return Answer(
        version.number,
        call.signature,
        {alias: outputs[alias] for alias in wanted},
        {alias: declared[alias].dtype for alias in wanted},
    )


def _refused(error: BaseException) -> RequestError:
    if isinstance(error, RequestError):
        return error
    logger.error("A request could not be answered.", exc_info=error)
    return RequestError(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")


def signature_of(name: str) -> str:
    """Returns the name of a signature, `serving_default` for `""`."""
    return name or DEFAULT_SIGNATURE
