"""The HTTP side of the server: the REST API of TensorFlow Serving, metrics, and a page to try the model on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from hyperml_tf.server import descriptions, metrics, rest_format
from hyperml_tf.server.errors import HTTP_STATUS, RequestError, invalid
from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.server.manager import ModelSpec
from hyperml_tf.server.metrics import Metrics
from hyperml_tf.server.page import Page
from hyperml_tf.server.predictor import OTHER, Call, Predictor

T = TypeVar("T")

_MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICT = re.compile(rf"{_MODEL}:(classify|regress|predict)", re.IGNORECASE)
_DESCRIBE = re.compile(rf"{_MODEL}(?:/(metadata))?", re.IGNORECASE)
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
_SMALL = 16_384
"""Bytes of JSON that are read and written at once; for more the other requests would have to wait."""


class HttpApp:
    """The application.

    Args:
        predictor: A `Predictor`.
        measured: A `Metrics`.
        page: The `Page` at `/`.
        max_bytes: Integer, largest size of the body of a request.
        hosts: Optional set of names by which clients may address the server. Defaults to `None`, any.
    """

    def __init__(
        self,
        predictor: Predictor,
        measured: Metrics,
        page: Page,
        max_bytes: int,
        hosts: set[str] | None = None,
    ) -> None:
        self._predictor, self._metrics, self._page = predictor, measured, page
        self._max_bytes, self._hosts = max_bytes, hosts
        self.app = Starlette(
            routes=[
                Route("/", self._guarded(self._show_page)),
                Route("/metrics", self._guarded(self._show_metrics)),
                Route("/monitoring/prometheus/metrics", self._guarded(self._show_metrics)),
                *(Route(f"/{v}1/{{rest:path}}", self._guarded(self._api), methods=_METHODS) for v in "vV"),
            ]
        )

    def _guarded(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """The endpoint, with errors as JSON, for the hosts that are served only."""

        async def guarded(request: Request) -> Response:
            # A page of somebody else could have its own name point to this machine, and would then read the answers.
            if self._hosts is not None and _host(request) not in self._hosts:
                return _json({"error": f"Host not served: {_host(request)}"}, 403)
            try:
                return await answer(request)
            except ClientDisconnect:  # nobody is there to read the answer
                return Response(status_code=400)
            except _TooLargeError:
                return _json({"error": f"The request is larger than {self._max_bytes} bytes"}, 413)
            except RequestError as error:
                return _json({"error": str(error)}, HTTP_STATUS[error.code])

        return guarded

    async def _show_page(self, request: Request) -> Response:
        return Response(self._page.html, media_type="text/html", headers=self._page.headers)

    async def _show_metrics(self, request: Request) -> Response:
        text = self._metrics.page(self._predictor.manager.loaded)
        return Response(text, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _api(self, request: Request) -> Response:
        path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
        if request.method == "POST" and (match := _PREDICT.fullmatch(path)):
            *spec, verb = match.groups()
            if verb.lower() != "predict":
                raise invalid(
                    f"Expected {verb.lower()} signature method_name to be tensorflow/serving/{verb.lower()}. Was: "
                    "tensorflow/serving/predict"
                )
            return await self._predict(request, _spec(*spec))
        if request.method == "GET" and (match := _DESCRIBE.fullmatch(path)):
            *spec, what = match.groups()
            return self._describe(_spec(*spec), bool(what))
        raise invalid(f"Malformed request: {request.method} {path}")

    async def _predict(self, request: Request, spec: ModelSpec) -> Response:
        body = await self._body(request)
        rows = False

        def read(document: dict[str, Any], version: LoadedVersion) -> Call:
            nonlocal rows
            call, rows = rest_format.call_of(document, version)
            return call

        def submit() -> Any:
            try:
                document = rest_format.parse(body)
            except RequestError as error:
                self._metrics.request("REST", OTHER, error.code.name, 0.0)
                raise
            return self._predictor.submit("REST", spec, lambda version: read(document, version))

        answer = await asyncio.wrap_future(await _now_or_in_a_thread(len(body), submit))
        values = sum(output.size for output in answer.outputs.values())
        text = await _now_or_in_a_thread(16 * values, lambda: rest_format.response(answer, rows))
        return Response(text, media_type="application/json")

    async def _body(self, request: Request) -> bytes:
        """The body, unless it is too large: then no more of it is read."""
        declared = request.headers.get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._max_bytes:
            raise _TooLargeError
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self._max_bytes:
                raise _TooLargeError
            parts.append(part)
        return b"".join(parts)

    def _describe(self, spec: ModelSpec, signatures: bool) -> Response:
        if not signatures:
            return _json(descriptions.status(self._predictor.manager.statuses(spec)))
        version = self._predictor.manager.acquire(spec)
        try:
            return _json(descriptions.metadata(spec.name, version))
        finally:
            version.release()


class _TooLargeError(Exception):
    """The body of a request is larger than allowed."""


def _spec(name: str, version: str | None, label: str | None) -> ModelSpec:
    if version is not None and int(version[:20]) >= 2**63:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    return ModelSpec(
        unquote(name), None if version is None else int(version), None if label is None else unquote(label)
    )


def _host(request: Request) -> str:
    """The name in the header `Host`, without the port."""
    return re.sub(r":\d*$", "", request.headers.get("host", "")).lower()


def _json(document: dict[str, Any], status: int = 200) -> Response:
    # Readable in a terminal, as TensorFlow Serving writes it.
    text = json.dumps(document, indent=4, ensure_ascii=False).encode(errors="replace")
    return Response(text, status, media_type="application/json")


async def _now_or_in_a_thread(size: int, function: Callable[[], T]) -> T:
    return function() if size <= _SMALL else await run_in_threadpool(function)
