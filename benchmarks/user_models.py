"""What each part of a user's representation is worth, and what the curvature adds to each user model.

    python benchmarks/user_models.py amazon-automotive.csv.gz amazon-musical-instruments.csv.gz --out user_models.jsonl

Trains as `hyperml-tf train` does, and prints the metrics of the *validation* rows, as means over the seeds with their standard
deviations. Every variant differs from the defaults in one thing. Those at curvature 0 are Euclidean and keep all other settings,
among them the learning rate, so they are not tuned. What `--out` holds is not trained again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fitting
import numpy as np
import results

from hyperml_tf.data import Interactions
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.settings import History, TableFacts

Variants = dict[str, dict[str, Any]]


def variants(default: History) -> Variants:
    """The settings of every variant of a table, by name."""

    def history(**changed: Any) -> dict[str, Any]:
        return {"history": dataclasses.replace(default, **changed)}

    return {
        "histories": {},
        "only items before the positive": history(around=0.0),
        "only items on both sides of it": history(around=1.0),
        "without recent vectors": history(recent_weight=0.0),
        "with recent vectors": history(recent_weight=History().recent_weight),
        "equal weights": history(half_life=None),
        "weights that halve": history(half_life=History().half_life),
        "without offsets of users": history(shrinkage=1e9),
        "free users": {"user_model": "free"},
        "sequences": {"user_model": "sequence"},
        "histories, curvature 0": {"curvature": 0.0},
        "free users, curvature 0": {"user_model": "free", "curvature": 0.0},
        "sequences, curvature 0": {"user_model": "sequence", "curvature": 0.0},
    }


def distinct(asked: Variants, default: History) -> Iterator[tuple[str, dict[str, Any]]]:
    """The variants that are not the default by another name."""
    for name, settings in asked.items():
        if settings != {"history": default}:
            yield name, settings


def rows(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Trains what is not stored yet; yields a row for every table, seed and variant."""
    stored = [json.loads(line) for line in arguments.out.open()] if arguments.out.exists() else []
    found = {(row["data"], row["seed"], row["variant"]): row for row in stored}
    for path in arguments.tables:
        held_out, data = HeldOut.draw(Interactions.from_file(path), arguments.split), path.name.split(".")[0]
        facts = TableFacts.of(held_out.split.train, held_out.order)
        default = History.of_table(facts.ordered, facts.split, facts.directed)
        for seed in arguments.seeds:
            for name, settings in distinct(variants(default), default):
                if arguments.variants and name not in arguments.variants:
                    continue
                if (data, seed, name) not in found:
                    found[data, seed, name] = row = {"data": data, "seed": seed, "variant": name}
                    row.update(_trained(held_out, seed, {**settings, "epochs": arguments.epochs}))
                    with arguments.out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                yield found[data, seed, name]


def _trained(held_out: HeldOut, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    started = time.process_time()
    scorer = fitting.train_hyperml(held_out, seed, settings)
    seconds = time.process_time() - started
    return {"cpu_seconds": seconds, "metrics": results.validation_metrics(scorer, held_out)}


def report(trained: list[dict[str, Any]]) -> str:
    """A Markdown table for each data set."""
    lines: list[str] = []
    for data in dict.fromkeys(row["data"] for row in trained):
        own = [row for row in trained if row["data"] == data]
        lines += [f"\n{data}, {len({row['seed'] for row in own})} seeds\n"]
        lines += ["| users | `sampled100_ndcg@10` | `full_ndcg@10` | `full_hr@10` | CPU s |", "|---|--:|--:|--:|--:|"]
        for name in dict.fromkeys(row["variant"] for row in own):
            same = [row for row in own if row["variant"] == name]
            metrics = [f"{metric}@10" for metric in ("sampled100_ndcg", "full_ndcg", "full_hr")]
            columns = [_mean([row["metrics"][metric] for row in same]) for metric in metrics]
            seconds = np.mean([row["cpu_seconds"] for row in same])
            lines.append(f"| {name} | {' | '.join(columns)} | {seconds:.0f} |")
    return "\n".join(lines)


def _mean(values: list[float]) -> str:
    deviation = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path, help="tables with a time column")
    parser.add_argument("--split", choices=["last", "random"], default="last")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--variants", nargs="+", help="names of the variants to train; all if it is not given")
    parser.add_argument("--out", type=Path, required=True, help="the file of results")
    print(report(list(rows(parser.parse_args()))))


if __name__ == "__main__":
    main()
