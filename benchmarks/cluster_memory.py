"""Trains on a prepared table with parameter servers on this machine: rows per second, and the memory of every process.

    python benchmarks/cluster_memory.py PREPARED [--workers 1] [--servers 2] [--dim 64] [--steps 1000] [--batch-size 2048]
        [--export]

The model is the default one, whose shards are read by the workers. Its histories are then set and it is exported, if asked.
*Peak* is the largest resident memory of a process so far, imports included; *in all*, the largest sum over the processes at a
time, in samples of half a second. When less than `--spare` of memory is left on the machine, everything is stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from distribution import free_addresses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--export", action="store_true")
    parser.add_argument("--spare", type=float, default=1.0, help="in GB")
    arguments = parser.parse_args()
    if "TF_CONFIG" in os.environ:
        run_task(arguments)
        return
    jobs = {"worker": arguments.workers, "ps": arguments.servers, "chief": 1}
    addresses, processes = free_addresses(jobs), {}
    try:
        for job, count in jobs.items():
            for index in range(count):
                task = {"cluster": addresses, "task": {"type": job, "index": index}}
                environment = {**os.environ, "TF_CONFIG": json.dumps(task), "CUDA_VISIBLE_DEVICES": "-1"}
                processes[f"{job} {index}"] = subprocess.Popen(
                    [sys.executable, __file__, *sys.argv[1:]], env=environment, stdout=subprocess.PIPE, text=True
                )
        watch(processes, arguments)
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def watch(processes: dict[str, subprocess.Popen[str]], arguments: argparse.Namespace) -> None:
    """Prints the steps of the coordinator as a table, with the memory of all processes at the end of each."""
    total, ended = [0], threading.Event()

    def sample() -> None:
        while not ended.wait(0.5):
            total[0] = max(total[0], sum(memory(process.pid, "VmRSS") for process in processes.values()))
            if memory("meminfo", "MemAvailable") < arguments.spare * 1e9:
                print("Stopped: the memory of the machine is used up", flush=True)
                processes["chief 0"].kill()

    threading.Thread(target=sample, daemon=True).start()
    print(
        "| step | seconds | rows per second | " + " | ".join(f"peak MB, {name}" for name in processes) + " | in all |"
    )
    print("|---" + "|--:" * (len(processes) + 3) + "|", flush=True)
    chief = processes["chief 0"]
    for line in chief.stdout or ():
        if line.startswith("{"):
            step = json.loads(line)
            peaks = [memory(process.pid, "VmHWM") for process in processes.values()]
            cells = [
                step["step"],
                f"{step['seconds']:.0f}",
                f"{step['rows'] / step['seconds']:,.0f}" if step["rows"] else "",
            ]
            cells += [f"{peak / 1e6:,.0f}" for peak in (*peaks, total[0])]
            print(f"| {' | '.join(cells)} |", flush=True)
    ended.set()
    if chief.wait():
        raise SystemExit(f"The coordinator ended with {chief.returncode}")


def memory(place: int | str, field: str) -> int:
    """Bytes of a process or of the machine."""
    path = Path("/proc") / (place if isinstance(place, str) else f"{place}/status")
    try:
        line = next(line for line in path.read_text().splitlines() if line.startswith(field))
    except (OSError, StopIteration):  # it has ended
        return 0
    return int(line.split()[1]) * 1024


def run_task(arguments: argparse.Namespace) -> None:
    from hyperml_tf.runs.cluster import Task
    from hyperml_tf.runs.strategies import new_strategy, serve

    if Task.of_environment().kind != "chief":
        serve()
    import hyperml_tf as hml
    from hyperml_tf.preparation import PreparedTable

    strategy = new_strategy("parameter-server")

    def step(name: str, work: object, rows: int = 0) -> object:
        started = time.perf_counter()
        result = work()  # type: ignore[operator]
        print(json.dumps({"step": name, "seconds": time.perf_counter() - started, "rows": rows}), flush=True)
        return result

    table = PreparedTable.open(arguments.prepared)

    def made() -> object:
        with strategy.scope():
            model = hml.HyperML.from_interactions(table.training, dim=arguments.dim)
            model.compile()
        return model

    model = step("from_interactions", made)
    fit = {"batch_size": arguments.batch_size, "verbose": 0}
    step("first step", lambda: model.fit(table, steps_per_epoch=1, **fit))
    rows = arguments.steps * arguments.batch_size
    step(f"{arguments.steps:,} steps", lambda: model.fit(table, steps_per_epoch=arguments.steps, **fit), rows)
    if arguments.export:
        step("histories", lambda: model.set_seen(table))
        with tempfile.TemporaryDirectory(dir=arguments.prepared.parent) as folder:
            step("export", lambda: hml.export_saved_model(model, Path(folder) / "export"))


if __name__ == "__main__":
    main()
