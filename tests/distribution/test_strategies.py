"""Under the strategies of `tf.distribute`, models become what they become on one device."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import forked
import pytest

HERE = Path(__file__).parent
# A fork has the path of its server.
START = f"import sys\nsys.path[:0] = {[str(HERE.parent), str(HERE)]}\n"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("replicas", "cases"),
    [(2, ["history", "direct", "sequence", "dense", "CML"]), (4, ["free"])],
)
def test_mirrored_replicas_train_like_one_device(replicas: int, cases: list[str]) -> None:
    printed = forked.run(program("mirrored.py"), replicas, *cases)
    assert [line.split()[0] for line in printed.splitlines()] == cases


def test_two_workers_train_like_one_device() -> None:
    with started({"worker": 2}, "multi_worker.py") as (first, second):
        finished = first.finish(280)
        assert finished.code == 0, finished.err[-3000:]
        assert finished.out.split() == ["equal"]
        assert second.finish(60).code == 0


@pytest.mark.parametrize("chief", ["coordinator.py", "creator.py"])
def test_a_worker_of_two_parameter_servers_trains_like_one_device(chief: str, tmp_path: Path) -> None:
    with started({"worker": 1, "ps": 2, "chief": 1}, "server.py", chief=chief, chief_in=tmp_path) as programs:
        finished = programs[-1].finish(280)
        assert finished.code == 0, finished.err[-3000:]
        assert finished.out.split() == ["equal"]


def program(name: str, folder: Path | None = None) -> str:
    source = (HERE / name).read_text().replace("from __future__ import annotations", "")
    return START + ("" if folder is None else f"import os\nos.chdir({str(folder)!r})\n") + source


@contextlib.contextmanager
def started(
    tasks: dict[str, int], name: str, chief: str | None = None, chief_in: Path | None = None
) -> Iterator[list[forked.Program]]:
    """A program for each task of a cluster on free ports. All are killed in the end."""
    addresses = cluster(tasks)
    programs: list[forked.Program] = []
    try:
        for job, count in tasks.items():
            source = program(name) if job != "chief" else program(chief or name, chief_in)
            for index in range(count):
                task = {"cluster": addresses, "task": {"type": job, "index": index}}
                programs.append(forked.Program(source, TF_CONFIG=json.dumps(task)))
        yield programs
    finally:
        for one in programs:
            one.process.kill()
            one.process.join()


def cluster(tasks: dict[str, int]) -> dict[str, list[str]]:
    """Addresses of tasks, by job."""
    with contextlib.ExitStack() as open_sockets:

        def free_port() -> int:
            one = open_sockets.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

        return {job: [f"127.0.0.1:{free_port()}" for _ in range(count)] for job, count in tasks.items()}
