"""Time, disk space and memory for exporting and loading a large catalogue.

    python benchmarks/serving_export.py [--items 1000000] [--users 10000] [--dim 64] [--precision float32] [--index]

A random model is exported, loaded and queried, each in its own process, whose peak resident memory is reported. The size on
disk is compared with that of the vectors in float32, one per user and two per item, plus the bytes of the ids. `--index` also
builds the faiss index.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def peak() -> float:
    """The peak resident memory so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def export(arguments: argparse.Namespace, path: Path) -> dict[str, Any]:
    from random_model import random_model

    import hyperml_tf as hml

    model = random_model(arguments.users, arguments.items, arguments.dim)
    before, started = peak(), time.perf_counter()
    hml.export_saved_model(model, path, k=100, precision=arguments.precision)
    figures = {"model MiB": before, "export s": time.perf_counter() - started, "export peak MiB": peak()}
    if arguments.index:
        index = hml.serving.ApproximateIndex.from_model(model)
        folder = index.save(path)
        figures["index"] = {**index.report, "MiB": size(folder)}
    return figures


def load(arguments: argparse.Namespace, path: Path) -> dict[str, Any]:
    import tensorflow as tf

    before, started = peak(), time.perf_counter()
    signatures = tf.saved_model.load(str(path)).signatures
    figures = {"TensorFlow alone MiB": before, "load s": time.perf_counter() - started}
    started = time.perf_counter()
    answer = signatures["serving_default"](user_id=tf.constant(["user_0000007"]))
    figures |= {"first answer s": time.perf_counter() - started, "load and ask peak MiB": peak()}
    times = []
    for _ in range(20):
        started = time.perf_counter()
        signatures["serving_default"](user_id=tf.constant(["user_0000007"]))
        times.append(time.perf_counter() - started)
    figures["an answer ms"] = 1000 * sorted(times)[len(times) // 2]
    assert answer["item_id"].shape == (1, 100)
    return figures


def size(path: Path) -> float:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 2**20


def in_a_process(stage: str, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--stage", stage, "--path", str(path)], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--stage", choices=["export", "load"], help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        print(json.dumps({"export": export, "load": load}[arguments.stage](arguments, arguments.path)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "1"
        figures = in_a_process("export", path)
        graph, variables = (path / "saved_model.pb").stat().st_size / 2**20, size(path / "variables")
        rows = arguments.items + arguments.users
        # An item has two vectors: its point, and its contribution to users who have it in their history.
        vectors = (rows + arguments.items) * arguments.dim * 4 / 2**20
        ids = rows * len("item_0000000") / 2**20
        figures |= {"disk MiB": graph + variables, "graph MiB": graph, "vectors and ids MiB": vectors + ids}
        figures["disk / vectors and ids"] = (graph + variables) / (vectors + ids)
        figures |= in_a_process("load", path)
    for name, value in figures.items():
        print(f"{name:>24}  {value:,.3f}" if isinstance(value, float) else f"{name:>24}  {value}")


if __name__ == "__main__":
    main()
