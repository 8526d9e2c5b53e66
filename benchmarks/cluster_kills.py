"""Kills workers, parameter servers and coordinators at random moments of trainings on a cluster of this machine.

    python benchmarks/cluster_kills.py --runs 7 --kills 3 --undisturbed 4

Every run must end, with each epoch counted once, and with the accuracy of undisturbed runs. Asynchronous trainings are never
equal, so their spread is printed, too.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples"))

from cluster_demo import Kill, prepare, train  # noqa: E402

MEASURE = "sampled100_ndcg@10"
SIZES = {"users": 2000, "items": 1500, "rows": 60_000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--kills", type=int, default=3, help="per run")
    parser.add_argument("--undisturbed", type=int, default=4, help="runs without kills")
    parser.add_argument("--epochs", type=int, default=6)
    for name, size in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=size, help="of the table")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    random.seed(options.seed)
    results: dict[str, list[dict[str, Any]]] = {"undisturbed": [], "killed": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        items = prepare(folder, *(f"--{name}={getattr(options, name)}" for name in SIZES))
        for kind, number in (("undisturbed", options.undisturbed), ("killed", options.runs)):
            for _ in range(number):
                kills = _kills(options.kills, options.epochs) if kind == "killed" else []
                results[kind].append(_run(folder, items, options.epochs, kills))
                print(kind, _said(results[kind][-1]), flush=True)
    for kind, found in results.items():
        if not found:
            continue
        values = [one[MEASURE] for one in found]
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        kills = sum(len(one["killed"]) for one in found)
        print(
            f"{kind}: {len(found)} runs, {kills} kills; test {MEASURE} {statistics.mean(values):.4f}, spread {spread:.4f}"
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def _kills(number: int, epochs: int) -> list[Kill]:
    """Kills at random moments; the coordinator keeps its state after the first epoch."""
    kinds = [random.choice(["worker", "ps", "chief"]) for _ in range(number)]
    return [Kill(random.randrange(1, epochs), random.uniform(0.0, 3.0), kind) for kind in kinds]


def _run(folder: Path, items: Path, epochs: int, kills: list[Kill]) -> dict[str, Any]:
    for part in ("run", "logs"):
        shutil.rmtree(folder / part, ignore_errors=True)
    tasks = {"chief": 1, "worker": 2, "ps": 2}
    result = train(folder, tasks, ["--items", str(items), "--epochs", str(epochs)], kills)
    history = (folder / "run" / "history.csv").read_text().splitlines()[1:]
    return {
        "killed": result["killed"],
        "restarts": result["restarts"],
        "seconds": result["seconds"],
        "epochs": [int(line.split(",")[0]) for line in history],
        MEASURE: result["metrics"]["test"][MEASURE],
    }


def _said(result: dict[str, Any]) -> str:
    killed = ", ".join(result["killed"]) or "nobody"
    return f"{killed}: {result['restarts']} restarts, {result['seconds']:.0f} s, epochs {result['epochs']}, {result[MEASURE]:.4f}"


if __name__ == "__main__":
    main()
