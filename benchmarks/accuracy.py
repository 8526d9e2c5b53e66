"""Accuracy of the default model beside its baselines, on tables given by path.

    python benchmarks/accuracy.py ml-100k.csv.gz amazon-automotive.csv.gz --split last --seeds 0 1 2 --json accuracy.json

Every model sees the same split and the same sampled negatives. `HyperML` is the default model; `HyperML, direct` the same in
direct mode; the *Euclidean twin* is the same model, loss, margin, negatives and optimizer at curvature 0; popularity is what
every table starts with. HyperML runs with its defaults. The twin's learning rate is tuned for each table on validation, because
flat space wants another one on dense data; its other settings were chosen for HyperML. Mean over seeds, and the standard
deviation where there are several.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from hyperml_tf import TrainingConfig, train_run

MODELS: dict[str, dict[str, Any]] = {
    "HyperML": {},
    "HyperML, direct": {"mode": "direct"},
    "Euclidean twin (c = 0)": {"curvature": 0.0},
}
TUNED = {"Euclidean twin (c = 0)": [{"learning_rate": rate} for rate in (0.05, 0.015, 0.005)]}
METRICS = ("sampled100_hr@10", "sampled100_ndcg@10", "full_hr@10", "full_ndcg@10")


def measure(table: Path, model: str, split: Any, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Trains and evaluates one model once; `metrics.json` of the run."""
    with tempfile.TemporaryDirectory() as scratch:
        config = TrainingConfig(split=split, seed=seed, **{**settings, **MODELS[model]})
        return train_run(table, Path(scratch) / "run", config).metrics


def tune(table: Path, model: str, split: Any, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings among `TUNED` with the best validation sampled100_ndcg@10."""
    trials = [{**settings, **trial} for trial in TUNED.get(model, [{}])]
    if len(trials) == 1:
        return trials[0]
    return max(trials, key=lambda t: measure(table, model, split, seed, t)["validation"]["sampled100_ndcg@10"])


def row(table: Path, model: str, runs: list[dict[str, Any]], seconds: float | None) -> str:
    """A line of the table: the mean over runs and, of several, the standard deviation."""
    cells = []
    for metric in METRICS:
        values = [run[metric] for run in runs]
        spread = f" ± {statistics.stdev(values):.4f}" if len(set(values)) > 1 else ""
        cells.append(f"{statistics.mean(values):.4f}{spread}")
    duration = "" if seconds is None else f"{seconds:.0f}"
    return f"| {table.name.split('.')[0]} | {model} | {' | '.join(cells)} | {duration} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--split", choices=["last", "random"], default="last")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--epochs", type=int, help="other than the default, for a quick look")
    parser.add_argument("--json", type=Path, help="where to write every run")
    arguments = parser.parse_args()
    settings = {} if arguments.epochs is None else {"epochs": arguments.epochs}

    print(f"Test metrics, split {arguments.split}, seeds {arguments.seeds}.\n")
    print("| data | model | " + " | ".join(METRICS) + " | s a run |")
    print("|---|---|" + "--:|" * (len(METRICS) + 1))
    everything: list[dict[str, Any]] = []
    for table in arguments.tables:
        popularity = None
        for model in arguments.models:
            chosen = tune(table, model, arguments.split, arguments.seeds[0], settings)
            runs = [measure(table, model, arguments.split, seed, chosen) for seed in arguments.seeds]
            everything += [{"table": table.name, "model": model, "settings": chosen, **run} for run in runs]
            if popularity is None:
                popularity = runs[0]["popularity"]["test"]
                print(row(table, "Popularity", [popularity], None), flush=True)
            seconds = statistics.mean(run["seconds"] for run in runs)
            print(row(table, model, [run["test"] for run in runs], seconds), flush=True)
            if arguments.json is not None:
                arguments.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
