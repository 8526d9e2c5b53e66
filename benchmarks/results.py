"""Storage of the comparison: `<data>/<split>/<model>/seed<k>.npz` and `.json`, and the `trials.json` of the tuning.

Files are written under a temporary name and then renamed, so that readers see only complete files, and an interrupted comparison
can resume. Several processes can write to one directory if no two have the same data, split and model.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hyperml_tf.metrics.gains import CUTOFFS
from hyperml_tf.runs.held_out import HeldOut, MakeScorer, TestHistory

PROTOCOLS = ("sampled100", "full")
MEASURES = (*(f"hr@{k}" for k in CUTOFFS), *(f"ndcg@{k}" for k in CUTOFFS), "mrr")
METRICS = tuple(f"{protocol}_{measure}" for protocol in PROTOCOLS for measure in MEASURES)
NDCG = tuple(f"{protocol}_ndcg@10" for protocol in PROTOCOLS)
"""The metrics by which models are selected and compared."""


@dataclasses.dataclass(frozen=True)
class StoredRun:
    """One finished run.

    Args:
        facts: the content of `seed<k>.json`: settings, trials, validation metrics, seconds.
        arrays: the content of `seed<k>.npz`. Per evaluated user: `users`, `items` (the held-out item), `sampled100` and `full`
            (its 0-based ranks), and `user_activity`. Per item: `train_popularity`. Activity and popularity are numbers of
            training rows.
    """

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def per_user(self, metric: str) -> np.ndarray:
        """A metric of each evaluated user, `(users,)`."""
        protocol, measure = metric.split("_")
        return gain(self.arrays[protocol], measure)


def gain(ranks: np.ndarray, measure: str) -> np.ndarray:
    """The value of one of `MEASURES` for 0-based ranks of a single relevant item, in float64.

    `hr@k` is 1 among the first `k`, `ndcg@k` is `1 / log2(rank + 2)` among them; `mrr` is `1 / (rank + 1)` everywhere.
    """
    name, _, k = measure.partition("@")
    values = {"hr": np.ones(len(ranks)), "ndcg": 1.0 / np.log2(ranks + 2.0), "mrr": 1.0 / (ranks + 1.0)}[name]
    return values * (ranks < int(k)) if k else values


def validation_metrics(scorer: MakeScorer, held_out: HeldOut) -> dict[str, float]:
    """The metrics on the validation rows, with the training rows as histories. The test rows are not used."""
    rows, known = held_out.split.validation, held_out.split.train
    run = StoredRun({}, dict(held_out.rank(scorer(known), rows, known).places))
    return {metric: float(run.per_user(metric).mean()) for metric in METRICS}


def arrays_of_test(
    scorer: MakeScorer, held_out: HeldOut, test_history: TestHistory = "before_test"
) -> dict[str, np.ndarray]:
    """The arrays of a `StoredRun` from the test of a model, see `HeldOut.report` for the history of the users."""
    rows, train, before = held_out.split.test, held_out.split.train, held_out.split.before_test
    score = scorer({"before_test": before, "train": train}[test_history])
    return {
        "users": rows.users,
        "items": rows.items,
        **held_out.rank(score, rows, before).places,
        "user_activity": train.activity()[rows.users],
        "train_popularity": train.popularity(),
    }


def is_finished(folder: Path, seed: int) -> bool:
    """Whether the run of a seed is stored."""
    return (folder / f"seed{seed}.json").is_file()


def store(folder: Path, seed: int, run: StoredRun) -> None:
    """Writes a run. The JSON file is last: it marks the run as finished."""
    write(folder / f"seed{seed}.npz", lambda path: np.savez_compressed(path, **run.arrays))
    write_json(folder / f"seed{seed}.json", run.facts)


def load(folder: Path) -> list[StoredRun]:
    """The finished runs of a model, by seed."""
    runs = []
    for path in folder.glob("seed*.json"):
        with np.load(path.with_suffix(".npz")) as arrays:
            runs.append(StoredRun(json.loads(path.read_text()), dict(arrays)))
    return sorted(runs, key=lambda run: run.facts["seed"])


def write_json(path: Path, values: Any) -> None:
    """Writes a JSON file atomically."""
    write(path, lambda scratch: scratch.write_text(json.dumps(values, indent=1) + "\n"))


def write(path: Path, how: Callable[[Path], Any]) -> None:
    """Writes a file under a temporary name of this process, and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        how(scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
