"""TF_CONFIG says which part a process has; strategies are made by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyperml_tf.runs import layout
from hyperml_tf.runs.cluster import Task, check_strategy, leads
from hyperml_tf.runs.strategies import directory_of_task, new_strategy


def in_cluster(patch: pytest.MonkeyPatch, kind: str, number: int, **tasks: int) -> None:
    cluster = {name: [f"{name}{place}:1" for place in range(count)] for name, count in tasks.items()}
    patch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": kind, "index": number}}))


@pytest.mark.parametrize(
    ("kind", "number", "tasks", "leading"),
    [
        ("worker", 0, {"worker": 2}, True),
        ("worker", 1, {"worker": 2}, False),
        ("worker", 0, {"chief": 1, "worker": 2}, False),
        ("chief", 0, {"chief": 1, "worker": 2}, True),
        ("ps", 0, {"chief": 1, "worker": 1, "ps": 1}, False),
    ],
)
def test_one_process_leads(
    monkeypatch: pytest.MonkeyPatch, kind: str, number: int, tasks: dict[str, int], leading: bool
) -> None:
    in_cluster(monkeypatch, kind, number, **tasks)
    assert leads("multi-worker") is leading
    assert leads("mirrored")
    assert leads(None)


@pytest.mark.parametrize(
    "config", ["", "{", "[]", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}']
)
def test_a_cluster_that_is_not_described_is_an_error(monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="TF_CONFIG must describe a cluster"):
        Task.of_environment()


def test_parameter_servers_require_their_kinds_of_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    in_cluster(monkeypatch, "chief", 0, chief=1, worker=1)
    with pytest.raises(ValueError, match="must have a chief, workers and parameter servers"):
        new_strategy("parameter-server")


def test_strategies_have_names() -> None:
    with pytest.raises(ValueError, match=r"`strategy` must be one of .*'mirrored'.*Received: strategy='tpu'"):
        check_strategy("tpu")


def test_workers_that_do_not_lead_write_elsewhere_and_read_what_is_resumed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (run / layout.PROGRESS).mkdir(parents=True)
    (run / layout.PROGRESS / "state.json").write_text("{}")
    (run / layout.CONFIG).write_text('{"settings": {}, "fingerprint": ""}')
    in_cluster(monkeypatch, "worker", 1, worker=2)
    with directory_of_task(run, "multi-worker", resume=True) as mine:
        assert mine != run
        assert (mine / layout.CONFIG).read_bytes() == (run / layout.CONFIG).read_bytes()
        assert (mine / layout.PROGRESS / "state.json").exists()
    with directory_of_task(run, "multi-worker") as mine:
        assert not mine.exists()
    for name in ("parameter-server", "mirrored", None):
        with directory_of_task(run, name) as mine:  # type: ignore[arg-type]
            assert mine == run
