"""The server: a model behind HTTP and gRPC, in this process."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from collections.abc import Mapping
from types import TracebackType

import grpc
import uvicorn

from hyperml_tf._argument_checks import check_not_negative, check_positive
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.server.batching import Batcher
from hyperml_tf.server.grpc_services import start_grpc
from hyperml_tf.server.http_app import HttpApp
from hyperml_tf.server.manager import ModelManager, Poller
from hyperml_tf.server.metrics import Metrics
from hyperml_tf.server.page import Page
from hyperml_tf.server.predictor import Predictor
from hyperml_tf.server.versions import VersionDirectory

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_GRPC_THREADS = 64
_GRACE = 5.0
_KEEP_ALIVE = 120  # seconds; a proxy or a client must not find its idle connection closed just as it sends
_MIB = 2**20


@names_arguments
class Server:
    """Serves a model over REST and gRPC, by the protocols of TensorFlow Serving.

    It loads the newest version under a path and those with a label, and others as they appear. `start` returns when the newest
    one answers. Requests need TensorFlow only, no Keras. Use it as a context manager, or call `start` and `stop`.

    Args:
        path: Path of a directory of `hyperml-tf train`, of a directory with numbered versions, or of one export.
        name: String, name of the model in requests: letters, digits, `_`, `.` and `-`. Defaults to `"hyperml"`.
        host: String, the address to listen at. Whoever reaches it may ask. On the loopback, which is the default, only requests
            to the names of the loopback are answered. Defaults to `"127.0.0.1"`.
        port: Integer, port of HTTP, or 0 for any free one. Defaults to `8501`.
        grpc_port: Integer, port of gRPC, likewise. Defaults to `8500`.
        labels: Numbers of versions by label, which are served beside the newest. Defaults to `None`.
        poll_seconds: Float > 0, the time between two looks for new versions. Defaults to `1.0`.
        threads: Optional integer >= 1, number of calls of the model at a time. Defaults to `None`, the number of cores, at
            most 4.
        max_batch_rows: Integer >= 1, most rows of several requests in one call of the model. Defaults to `256`.
        batch_wait_ms: Float >= 0, the longest time that a request waits for others while the model is busy. Defaults to `2.0`.
        max_waiting: Integer >= 1, most requests that wait; more are refused as unavailable. Defaults to `1000`.
        max_request_mb: Float > 0, largest size of a request. Defaults to `16.0`.

    Raises:
        FileNotFoundError: If there is no export at `path`.
        ValueError: If an argument is out of its range.

    Example:

    >>> import json, urllib.request
    >>> import hyperml_tf as hml
    >>> path = hml.export_saved_model(hml.HyperML(["ann"], ["a", "b"], dim=4, history=0), "served/1", k=1, overwrite=True)
    >>> with Server("served", port=0, grpc_port=0) as server:
    ...     body = json.dumps({"signature_name": "similar_items", "inputs": ["a"]}).encode()
    ...     answer = json.load(urllib.request.urlopen(f"{server.url}/v1/models/hyperml:predict", body))
    >>> answer["outputs"]["item_id"]
    [['b']]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        name: str = "hyperml",
        host: str = "127.0.0.1",
        port: int = 8501,
        grpc_port: int = 8500,
        labels: Mapping[str, int] | None = None,
        poll_seconds: float = 1.0,
        threads: int | None = None,
        max_batch_rows: int = 256,
        batch_wait_ms: float = 2.0,
        max_waiting: int = 1000,
        max_request_mb: float = 16.0,
    ) -> None:
        threads = min(4, os.cpu_count() or 1) if threads is None else threads
        for argument, value, least in (
            ("port", port, 0),
            ("grpc_port", grpc_port, 0),
            ("threads", threads, 1),
            ("max_batch_rows", max_batch_rows, 1),
            ("batch_wait_ms", batch_wait_ms, 0),
            ("max_waiting", max_waiting, 1),
        ):
            check_not_negative(**{argument: value})
            if value < least:
                raise ValueError(f"`{argument}` must be at least {least}. Received: {argument}={value}")
        for argument, value in (("poll_seconds", poll_seconds), ("max_request_mb", max_request_mb)):
            check_positive(**{argument: value})
        if not _NAME.fullmatch(name):
            raise ValueError(f"`name` must be of letters, digits, `_`, `.` and `-`. Received: name={name!r}")
        self.name, self.host = name, host
        self._ports = port, grpc_port
        self._manager = ModelManager(name, VersionDirectory(path), labels)
        self._poll_seconds, self._threads = poll_seconds, threads
        self._max_rows, self._wait, self._max_waiting = max_batch_rows, batch_wait_ms / 1000, max_waiting
        self._max_bytes = int(max_request_mb * _MIB)
        self._running: _Running | None = None

    def start(self) -> None:
        """Loads the model and begins to answer.

        Raises:
            OSError: If a port is not free.
            RuntimeError: If it has been started already.
            ValueError: If no version can be loaded.
        """
        if self._running is not None:
            raise RuntimeError("The server must be stopped before it is started again. Received: a running server")
        # Before the model is loaded, which takes longer.
        listening = _listen(self.host, self._ports[0])
        try:
            self._manager.refresh()
            if not self._manager.loaded:
                raise ValueError(
                    "`path` must have a version that can be loaded; the log says why none can. Received: "
                    f"path={str(self._manager.directory.path)!r}"
                )
            self._running = self._run(listening)
        except BaseException:
            listening.close()
            self._manager.close()
            raise

    def _run(self, listening: socket.socket) -> _Running:
        metrics = Metrics()
        batcher = Batcher(self._threads, self._max_rows, self._wait, self._max_waiting, metrics.batch)
        predictor = Predictor(self._manager, batcher, metrics)
        hosts = {"localhost", "127.0.0.1", "[::1]", self.host} if self.host in _LOOPBACK else None
        app = HttpApp(predictor, metrics, Page(self.name), self._max_bytes, hosts).app
        try:
            address = f"{_bracketed(self.host)}:{self._ports[1]}"
            grpc_server, grpc_port = start_grpc(address, predictor, _GRPC_THREADS, self._max_bytes)
        except OSError as error:
            batcher.close()
            raise _taken("grpc_port", self.host, self._ports[1]) from error
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=int(_GRACE),
        )
        http_server = uvicorn.Server(config)
        thread = threading.Thread(target=http_server.run, args=([listening],), name="hyperml-http", daemon=True)
        thread.start()
        poller = Poller(self._manager, self._poll_seconds)
        poller.start()
        return _Running(listening, http_server, thread, grpc_server, grpc_port, batcher, poller)

    def stop(self) -> None:
        """Takes no more requests, answers those in flight, and unloads the model. A server that is not running stays as it is."""
        if self._running is None:
            return
        running, self._running = self._running, None
        running.poller.stop()
        running.http.should_exit = True
        grpc_stopped = running.grpc.stop(_GRACE)
        running.thread.join()
        grpc_stopped.wait()
        running.batcher.close()
        running.listening.close()
        self._manager.close()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address of HTTP, such as `"http://127.0.0.1:8501"`."""
        return f"http://{_bracketed(self.host)}:{self._started().listening.getsockname()[1]}"

    @property
    def grpc_address(self) -> str:
        """The address of gRPC, such as `"127.0.0.1:8500"`."""
        return f"{_bracketed(self.host)}:{self._started().grpc_port}"

    @property
    def versions(self) -> list[int]:
        """The numbers of the versions that answer, ascending."""
        return self._manager.loaded

    def _started(self) -> _Running:
        if self._running is None:
            raise RuntimeError("The server has an address once it is started. Received: a server that is not running")
        return self._running


class _Running:
    """What runs between `start` and `stop`."""

    def __init__(
        self,
        listening: socket.socket,
        http: uvicorn.Server,
        thread: threading.Thread,
        grpc_server: grpc.Server,
        grpc_port: int,
        batcher: Batcher,
        poller: Poller,
    ) -> None:
        self.listening, self.http, self.thread = listening, http, thread
        self.grpc, self.grpc_port = grpc_server, grpc_port
        self.batcher, self.poller = batcher, poller


def _listen(host: str, port: int) -> socket.socket:
    """A socket that queues connections from now on, so that the address answers as soon as `start` returns."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return socket.create_server((host, port), family=found[0][0], backlog=2048)
    except OSError as error:
        raise _taken("port", host, port) from error


def _taken(argument: str, host: str, port: int) -> OSError:
    return OSError(
        f"`{argument}` must be free at `host`, an address of this machine. Received: {host=}, {argument}={port}"
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
