"""The accuracy of asynchronous training by several workers, beside that of one device, on the same prepared table.

    python benchmarks/asynchronous.py ratings.csv [--seeds 0 1 2] [--workers 2] [--servers 2] [--epochs 20]

Both sides run `hyperml-tf train` with its defaults; the cluster consists of processes on this machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import timing

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from cluster_demo import COMMAND, train

MEASURES = ("sampled100_ndcg@10", "full_ndcg@10")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--dim", type=int, default=64)
    options = parser.parse_args()
    tasks = {"chief": 1, "worker": options.workers, "ps": options.servers}
    cluster = f"{options.workers} workers, {options.servers} servers"
    found: dict[str, list[dict[str, float]]] = {"one device": [], cluster: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call("prepare", options.table, "--out", folder / "prepared", "--shards", 4)
        for seed in options.seeds:
            arguments = ["--epochs", str(options.epochs), "--dim", str(options.dim), "--seed", str(seed)]
            call("train", folder / "prepared", "--out", folder / "run", "--stream", *arguments)
            found["one device"].append(json.loads((folder / "run" / "metrics.json").read_text())["test"])
            shutil.rmtree(folder / "run")
            found[cluster].append(train(folder, tasks, ["--stream", *arguments])["metrics"]["test"])
            shutil.rmtree(folder / "run")
            print(shown(found, options.seeds), flush=True)


def call(*words: object) -> None:
    subprocess.run([*COMMAND, *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def shown(found: dict[str, list[dict[str, float]]], seeds: list[int]) -> str:
    """The metrics of each side with every seed, and their means."""
    done = min(map(len, found.values()))
    rows = []
    for side, metrics in found.items():
        for measure in MEASURES:
            values = [one[measure] for one in metrics[:done]]
            rows.append([side, measure, *(f"{value:.4f}" for value in (*values, statistics.mean(values)))])
    return timing.markdown(["", "test", *(f"seed {seed}" for seed in seeds[:done]), "mean"], rows, left=2)


if __name__ == "__main__":
    main()
