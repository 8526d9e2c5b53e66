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
from fitting import Scorer

from hyperml_tf.metrics.protocols import held_out_ranks
from hyperml_tf.runs.held_out import HeldOut

PROTOCOLS = ("sampled100", "full")
METRICS = tuple(f"{protocol}_{measure}@10" for protocol in PROTOCOLS for measure in ("hr", "ndcg"))


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
        return {"hr@10": hit_at_10, "ndcg@10": ndcg_at_10}[measure](self.arrays[protocol])


def hit_at_10(ranks: np.ndarray) -> np.ndarray:
    """1 where the held-out item is among the first ten, and 0 elsewhere."""
    return (ranks < 10).astype(float)


def ndcg_at_10(ranks: np.ndarray) -> np.ndarray:
    """nDCG@10 with a single relevant item: `1 / log2(rank + 2)` among the first ten, and 0 elsewhere."""
    return hit_at_10(ranks) / np.log2(ranks + 2.0)


def validation_metrics(score: Scorer, held_out: HeldOut) -> dict[str, float]:
    """The four metrics on the validation rows. The test rows are not used."""
    rows, known = held_out.split.validation, held_out.split.train
    ranks = held_out_ranks(score, rows.users, rows.items, known.csr(), held_out.negatives)
    run = StoredRun({}, ranks)
    return {metric: float(run.per_user(metric).mean()) for metric in METRICS}


def arrays_of_test(score: Scorer, held_out: HeldOut) -> dict[str, np.ndarray]:
    """The arrays of a `StoredRun` from the test of a model."""
    rows, train = held_out.split.test, held_out.split.train
    ranks = held_out_ranks(score, rows.users, rows.items, held_out.split.before_test.csr(), held_out.negatives)
    return {
        "users": rows.users,
        "items": rows.items,
        **ranks,
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
