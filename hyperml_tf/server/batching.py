"""Batching: requests that come at about the same time are answered by one call of the graph."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import NamedTuple

import grpc
import numpy as np

from hyperml_tf.server.errors import RequestError
from hyperml_tf.server.loaded_version import LoadedVersion, Tensors

logger = logging.getLogger(__name__)

Outputs = dict[str, np.ndarray]


class Request(NamedTuple):
    """A call of a signature, whose inputs have been checked.

    Attributes:
        version: The version that answers.
        signature: String, name of the signature.
        inputs: Arrays by input name.
        future: A `Future` for the outputs.
    """

    version: LoadedVersion
    signature: str
    inputs: Tensors
    future: Future[Outputs]

    @property
    def rows(self) -> int | None:
        """The number of rows, the first axis of all inputs; `None` if they differ in it."""
        sizes = {values.shape[0] if values.ndim else None for values in self.inputs.values()}
        return sizes.pop() if len(sizes) == 1 else None


class _Batch:
    """Requests that are answered together, and when that must begin."""

    def __init__(self, deadline: float) -> None:
        self.deadline, self.requests, self.rows = deadline, list[Request](), 0

    def add(self, request: Request, rows: int) -> None:
        self.requests.append(request)
        self.rows += rows


class Batcher:
    """Threads that answer requests, those of the same kind together.

    Requests are of the same kind if they are for the same signature of the same version, with rows of the same length. A request
    that comes while nothing is being answered does not wait.

    Args:
        threads: Integer >= 1, number of calls of a graph at a time.
        max_rows: Integer >= 1, most rows in a batch. A larger request is a batch of its own.
        wait: Float >= 0, the longest time in seconds that a request waits for others.
        max_waiting: Integer >= 1, most requests that wait for a thread. More are refused as unavailable.
        observe: A function that is called with the signature and the number of rows of every batch.
    """

    def __init__(
        self, threads: int, max_rows: int, wait: float, max_waiting: int, observe: Callable[[str, int], None]
    ) -> None:
        self._max_rows, self._wait, self._max_waiting, self._observe = max_rows, wait, max_waiting, observe
        self._ready = threading.Condition()
        self._open: dict[Hashable, _Batch] = {}  # by kind, in the order of their deadlines
        self._full: deque[_Batch] = deque()
        self._waiting = self._running = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"hyperml-batch-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, request: Request) -> None:
        """Queues a request, whose future gets the answer.

        Raises:
            RequestError: If too many requests are waiting.
        """
        with self._ready:
            if self._closed or self._waiting >= self._max_waiting:
                raise RequestError(
                    grpc.StatusCode.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full",
                )
            self._waiting += 1
            self._put(request)
            self._ready.notify()

    def _put(self, request: Request) -> None:
        rows = request.rows
        if rows is None or rows >= self._max_rows:
            # If the inputs differ in their rows, the graph says so, and must say it to this request only.
            alone = _Batch(0.0)
            alone.add(request, rows or 0)
            self._full.append(alone)
            return
        shapes = tuple((alias, values.shape[1:]) for alias, values in sorted(request.inputs.items()))
        kind = (id(request.version), request.signature, shapes)
        batch = self._open.get(kind)
        if batch is not None and batch.rows + rows > self._max_rows:
            self._full.append(self._open.pop(kind))
            batch = None
        if batch is None:
            batch = self._open[kind] = _Batch(time.monotonic() + self._wait)
        batch.add(request, rows)
        if batch.rows >= self._max_rows:
            self._full.append(self._open.pop(kind))

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._answer(batch.requests)
            finally:
                with self._ready:
                    self._running -= 1
                    self._ready.notify()

    def _next(self) -> _Batch | None:
        """Waits for the next batch; `None` when all is done."""
        with self._ready:
            while True:
                batch = self._take()
                if batch is not None:
                    self._waiting -= len(batch.requests)
                    self._running += 1
                    if self._open or self._full:  # another thread has to watch the next deadline
                        self._ready.notify()
                    return batch
                if self._closed:
                    return None
                first = next(iter(self._open.values()), None)
                self._ready.wait(None if first is None else max(0.0, first.deadline - time.monotonic()))

    def _take(self) -> _Batch | None:
        if self._full:
            return self._full.popleft()
        kind = next(iter(self._open), None)
        if kind is None:
            return None
        if self._running == 0 or self._closed or self._open[kind].deadline <= time.monotonic():
            return self._open.pop(kind)
        return None

    def _answer(self, requests: list[Request]) -> None:
        first = requests[0]
        # A request that was cancelled while it waited is not answered.
        requests = [one for one in requests if one.future.set_running_or_notify_cancel()]
        if len(requests) > 1:
            sizes = [one.rows or 0 for one in requests]
            try:
                together = first.version.run(
                    first.signature,
                    {alias: np.concatenate([one.inputs[alias] for one in requests]) for alias in first.inputs},
                )
                parts = _split(together, sizes)
            except Exception:  # one of them is at fault: each gets an answer of its own
                logger.debug("A batch of %d requests is answered one by one.", len(requests), exc_info=True)
            else:
                self._observe(first.signature, sum(sizes))
                for request, part in zip(requests, parts, strict=True):
                    request.future.set_result(part)
                return
        for request in requests:
            self._observe(request.signature, request.rows or 0)
            try:
                request.future.set_result(request.version.run(request.signature, request.inputs))
            except Exception as error:
                request.future.set_exception(error)

    def close(self) -> None:
        """Answers what is waiting, and ends the threads."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()


def _split(outputs: Outputs, sizes: list[int]) -> list[Outputs]:
    if any(values.ndim == 0 or len(values) != sum(sizes) for values in outputs.values()):
        raise ValueError("the outputs do not have one row for each row of the inputs")
    ends = np.cumsum(sizes)[:-1]
    parts = {alias: np.split(values, ends) for alias, values in outputs.items()}
    return [{alias: rows[place] for alias, rows in parts.items()} for place in range(len(sizes))]
