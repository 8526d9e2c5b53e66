"""Trains on a cluster of processes on this machine, kills one of them on the way, and asks the export.

    python examples/cluster_demo.py build/cluster

One coordinator, two workers and two parameter servers run the same command, `hyperml-tf train ... --strategy parameter-server`,
each with its own TF_CONFIG, as pods of Kubernetes do. This program stands in for Kubernetes: it starts the processes, and starts
those that die again. `--kill worker`, `ps` or `chief` says which kind of process is killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = (sys.executable, "-m", "hyperml_tf")


class Cluster:
    """Processes on this machine, one for each task of TF_CONFIG, which are started again when they die.

    Args:
        command: What every process runs.
        tasks: The number of tasks of each kind.
        logs: Path of a directory for the output of the processes.
    """

    def __init__(self, command: Sequence[str], tasks: dict[str, int], logs: Path) -> None:
        self._command, self._logs = list(command), logs
        addresses = [f"127.0.0.1:{port}" for port in free_ports(sum(tasks.values()))]
        self._cluster = {kind: [addresses.pop() for _ in range(number)] for kind, number in tasks.items()}
        self._processes: dict[tuple[str, int], subprocess.Popen[bytes]] = {}
        self.restarts = 0

    def __enter__(self) -> Cluster:
        self._logs.mkdir(parents=True, exist_ok=True)
        for kind, addresses in self._cluster.items():
            for number in range(len(addresses)):
                self._start(kind, number)
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def _start(self, kind: str, number: int) -> None:
        config = {"cluster": self._cluster, "task": {"type": kind, "index": number}}
        with open(self._logs / f"{kind}-{number}.log", "ab") as log:
            self._processes[kind, number] = subprocess.Popen(
                self._command,
                env={**os.environ, "TF_CONFIG": json.dumps(config), "CUDA_VISIBLE_DEVICES": "-1"},
                stdout=log,
                stderr=log,
            )

    def kill(self, kind: str) -> int:
        """Kills a process of a kind, as the end of a machine would, and returns its number."""
        number = random.randrange(len(self._cluster[kind]))
        self._processes[kind, number].send_signal(signal.SIGKILL)
        self._processes[kind, number].wait()
        return number

    def tend(self) -> bool:
        """Starts processes that have died again. Returns whether the coordinator has finished."""
        for (kind, number), process in list(self._processes.items()):
            code = process.poll()
            if kind == "chief" and code == 0:
                return True
            if code is not None:
                self.restarts += 1
                self._start(kind, number)
        return False


def free_ports(count: int) -> list[int]:
    """Returns ports that no process listens on."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def epochs_done(run: Path) -> int:
    """Returns the number of epochs that a run has kept."""
    try:
        return int(json.loads((run / "progress" / "state.json").read_text())["epochs"])
    except (OSError, ValueError):
        return 0


class Kill(NamedTuple):
    """When a process is killed, and of which kind it is.

    Attributes:
        epoch: Integer, the number of epochs that have ended before.
        seconds: Float, the time after that.
        kind: String, "worker", "ps" or "chief".
    """

    epoch: int
    seconds: float
    kind: str


def train(folder: Path, tasks: dict[str, int], arguments: Sequence[str], kills: Sequence[Kill] = ()) -> dict[str, Any]:
    """Trains on a prepared table in a cluster, and returns the metrics of the run and what happened on the way.

    Args:
        folder: Path of the directory of the demo, with the prepared table.
        tasks: The number of tasks of each kind.
        arguments: Further arguments of `hyperml-tf train`.
        kills: The processes that are killed on the way.
    """
    run = folder / "run"
    command = [
        *COMMAND,
        "train",
        str(folder / "prepared"),
        "--out",
        str(run),
        "--resume",
        "--strategy",
        "parameter-server",
    ]
    pending, killed, started = sorted(kills), [], time.monotonic()
    seen, since = 0, started
    with Cluster([*command, *arguments], tasks, folder / "logs") as cluster:
        while not cluster.tend():
            if epochs_done(run) > seen:
                seen, since = epochs_done(run), time.monotonic()
            if pending and seen >= pending[0].epoch and time.monotonic() - since >= pending[0].seconds:
                kind = pending.pop(0).kind
                killed.append(f"{kind} {cluster.kill(kind)}")
            if cluster.restarts > 2 + 4 * len(kills):
                raise SystemExit(f"Processes die again and again: see {folder / 'logs'}")
            time.sleep(0.2)
        restarts = cluster.restarts
    metrics = json.loads((run / "metrics.json").read_text())
    return {"metrics": metrics, "killed": killed, "restarts": restarts, "seconds": time.monotonic() - started}


def prepare(folder: Path, *sizes: str) -> Path:
    """Makes up a table and prepares it in a directory, and returns the path of the table of its items."""
    table, items = folder / "interactions.csv", folder / "items.csv"
    subprocess.run([*COMMAND, "synthesize", str(table), "--item-table", str(items), *sizes], check=True)
    subprocess.run([*COMMAND, "prepare", str(table), "--out", str(folder / "prepared"), "--shards", "4"], check=True)
    return items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="directory of the demo; replaced if it is there")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--servers", type=int, default=2, help="parameter servers")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--items", type=int, default=1500)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--kill", choices=["worker", "ps", "chief", "nobody"], default="worker")
    options = parser.parse_args()
    folder = options.folder
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    sizes = [f"--{name}={getattr(options, name)}" for name in ("users", "items", "rows")]
    items = prepare(folder, *sizes)
    tasks = {"chief": 1, "worker": options.workers, "ps": options.servers}
    print(f"Training on {tasks}; their output is in {folder / 'logs'}", flush=True)
    arguments = ["--items", str(items), "--epochs", str(options.epochs)]
    kills = [] if options.kill == "nobody" else [Kill(1, 1.0, options.kill)]
    result = train(folder, tasks, arguments, kills)
    query = [
        sys.executable,
        str(Path(__file__).with_name("query_saved_model.py")),
        str(folder / "run" / "saved_model" / "1"),
    ]
    subprocess.run([*query, "--user", "user_00007"], check=True)
    test = result["metrics"]["test"]
    print(
        f"1 coordinator, {options.workers} workers, {options.servers} parameter servers; killed: "
        f"{', '.join(result['killed']) or 'nobody'}; {result['restarts']} restarts; {result['seconds']:.0f} s; "
        f"test sampled100 nDCG@10 {test['sampled100_ndcg@10']:.4f}, popularity "
        f"{result['metrics']['popularity']['test']['sampled100_ndcg@10']:.4f}"
    )


if __name__ == "__main__":
    main()
