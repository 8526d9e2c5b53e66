"""Requests are answered together where that changes no answer, and never wait for one that is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import grpc
import numpy as np
import pytest

from hyperml_tf.server.batching import Batcher, Request
from hyperml_tf.server.errors import RequestError, invalid

MakeBatcher = Callable[..., Batcher]


class Version:
    """Answers with what it is asked, and remembers the sizes of its batches. While `busy` is clear, answers have to wait."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.entered, self.busy = threading.Semaphore(0), threading.Event()
        self.busy.set()

    def run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.entered.release()
        assert self.busy.wait(30)
        users = inputs["user_id"]
        self.batches.append(len(users))
        if b"wrong" in users.tolist():
            raise invalid("wrong user")
        return {"item_id": users} if signature != "total" else {"item_id": np.array(len(users))}


@pytest.fixture
def batcher() -> Iterator[MakeBatcher]:
    made: list[Batcher] = []

    def make(**options: Any) -> Batcher:
        defaults = {"threads": 1, "max_rows": 8, "wait": 60.0, "max_waiting": 100, "observe": lambda *_: None}
        made.append(Batcher(**{**defaults, **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ask(batcher: Batcher, version: Version, users: list[str], signature: str = "default", **more: Any) -> Future:
    future: Future = Future()
    inputs = {"user_id": np.array([user.encode() for user in users], object), **more}
    batcher.submit(Request(version, signature, inputs, future))  # type: ignore[arg-type]
    return future


def occupy(batcher: Batcher, version: Version) -> Future:
    """A request that keeps the thread busy until `version.busy` is set."""
    version.busy.clear()
    future = ask(batcher, version, ["first"])
    assert version.entered.acquire(timeout=30)
    return future


def users_of(future: Future) -> list[str]:
    return [user.decode() for user in future.result(30)["item_id"]]


def test_a_request_on_its_own_does_not_wait(batcher: MakeBatcher) -> None:
    assert users_of(ask(batcher(), Version(), ["ann", "bob"])) == ["ann", "bob"]


def test_requests_that_come_meanwhile_are_answered_together(batcher: MakeBatcher) -> None:
    made, version = batcher(), Version()
    first = occupy(made, version)
    others = [ask(made, version, users) for users in (["ann"], ["bob", "cid"], ["dan"])]
    version.busy.set()
    assert users_of(first) == ["first"]
    assert [users_of(future) for future in others] == [["ann"], ["bob", "cid"], ["dan"]]
    assert version.batches == [1, 4]


def test_batches_stay_below_their_limit(batcher: MakeBatcher) -> None:
    made, version = batcher(max_rows=4), Version()
    occupy(made, version)
    asked = [[f"{place}.{row}" for row in range(size)] for place, size in enumerate([2, 1, 3, 9, 1])]
    futures = [ask(made, version, users) for users in asked]
    version.busy.set()
    assert [users_of(future) for future in futures] == asked
    assert sorted(version.batches) == [1, 3, 4, 9]  # the first, 2 + 1, 3 + 1, and one that is larger than the limit


def test_only_requests_of_the_same_kind_are_answered_together(batcher: MakeBatcher) -> None:
    made, version, other = batcher(), Version(), Version()
    occupy(made, version)
    longer = np.full((1, 5), b"item", object)
    futures = [
        ask(made, version, ["ann"], exclude=longer[:, :2]),
        ask(made, version, ["bob"], exclude=longer),
        ask(made, version, ["cid"], "score", exclude=longer),
        ask(made, other, ["dan"], exclude=longer),
    ]
    version.busy.set()
    assert [users_of(future) for future in futures] == [["ann"], ["bob"], ["cid"], ["dan"]]
    assert (version.batches, other.batches) == ([1, 1, 1, 1], [1])


def test_a_wrong_request_fails_alone(batcher: MakeBatcher) -> None:
    made, version = batcher(), Version()
    occupy(made, version)
    futures = [ask(made, version, [user]) for user in ("ann", "wrong", "bob")]
    differing = ask(made, version, ["cid"], exclude=np.full((2, 3), b"item", object))
    version.busy.set()
    assert (users_of(futures[0]), users_of(futures[2]), users_of(differing)) == (["ann"], ["bob"], ["cid"])
    with pytest.raises(RequestError, match="wrong user"):
        futures[1].result(30)


def test_outputs_without_a_row_for_each_row_are_not_shared(batcher: MakeBatcher) -> None:
    made, version = batcher(), Version()
    occupy(made, version)
    futures = [ask(made, version, users, "total") for users in (["ann"], ["bob", "cid"])]
    version.busy.set()
    assert [int(future.result(30)["item_id"]) for future in futures] == [1, 2]


def test_a_batch_begins_when_its_time_is_over(batcher: MakeBatcher) -> None:
    """Though the other thread is busy."""
    made, version, other = batcher(threads=2, wait=0.001), Version(), Version()
    occupy(made, version)
    assert users_of(ask(made, other, ["ann"])) == ["ann"]
    version.busy.set()


def test_more_requests_than_may_wait_are_refused(batcher: MakeBatcher) -> None:
    made, version = batcher(max_waiting=2), Version()
    occupy(made, version)
    waiting = [ask(made, version, [user]) for user in ("ann", "bob")]
    with pytest.raises(RequestError, match=r"queue .* is full") as caught:
        ask(made, version, ["cid"])
    assert caught.value.code == grpc.StatusCode.UNAVAILABLE
    version.busy.set()
    assert [users_of(future) for future in waiting] == [["ann"], ["bob"]]
    assert users_of(ask(made, version, ["cid"])) == ["cid"]


def test_what_waits_is_answered_when_the_server_stops(batcher: MakeBatcher) -> None:
    made, version = batcher(), Version()
    occupy(made, version)
    waiting = ask(made, version, ["ann"])
    version.busy.set()
    made.close()
    assert users_of(waiting) == ["ann"]


def test_batches_are_counted(batcher: MakeBatcher) -> None:
    seen: list[tuple[str, int]] = []
    made, version = batcher(observe=lambda *batch: seen.append(batch)), Version()
    occupy(made, version)
    futures = [ask(made, version, users) for users in (["ann"], ["bob", "cid"])]
    version.busy.set()
    for future in futures:
        future.result(30)
    assert seen == [("default", 1), ("default", 3)]
