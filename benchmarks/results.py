"""The runs of the comparison on disk: `<data>/<split>/<model>/seed<k>.npz` and `.json`, and the `trials.json` of the tuning.

Files are written under another name and then renamed, so that whoever reads sees whole files only, and a comparison that was
killed goes on where it stopped. Several processes may write to one directory as long as no two have the same data, split and
model.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from recipe import Scorer

from hyperml_tf.metrics.protocols import held_out_ranks
from hyperml_tf.runs.held_out import HeldOut

PROTOCOLS = ("sampled100", "full")
METRICS = tuple(f"{protocol}_{measure}@10" for protocol in PROTOCOLS for measure in ("hr", "ndcg"))


@dataclasses.dataclass(frozen=True)
class StoredRun:
    """One finished run.

    Args:
        facts: what `seed<k>.json` says: settings, trials, validation metrics, seconds.
        arrays: what `seed<k>.npz` holds: of every evaluated user `users`, `items` (the held-out one), `sampled100` and `full`
            (its 0-based ranks) and `user_activity`; of every item `train_popularity`. Both counts are of training rows.
    """

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def per_user(self, metric: str) -> np.ndarray:
        """A metric of every evaluated user, `(users,)`."""
        protocol, measure = metric.split("_")
        return {"hr@10": hit_at_10, "ndcg@10": ndcg_at_10}[measure](self.arrays[protocol])


def hit_at_10(ranks: np.ndarray) -> np.ndarray:
    """1 where the held-out item is among the first ten, else 0."""
    return (ranks < 10).astype(float)


def ndcg_at_10(ranks: np.ndarray) -> np.ndarray:
    """nDCG@10 with a single relevant item: `1 / log2(rank + 2)` among the first ten, else 0."""
    return hit_at_10(ranks) / np.log2(ranks + 2.0)


def validation_metrics(score: Scorer, held_out: HeldOut) -> dict[str, float]:
    """The four metrics on the validation rows. The test rows are not looked at."""
    rows, known = held_out.split.validation, held_out.split.train
    ranks = held_out_ranks(score, rows.users, rows.items, known.csr(), held_out.negatives)
    run = StoredRun({}, ranks)
    return {metric: float(run.per_user(metric).mean()) for metric in METRICS}


def arrays_of_test(score: Scorer, held_out: HeldOut) -> dict[str, np.ndarray]:
    """What is stored of a model's test, see `StoredRun`."""
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
    """Whether a seed has been stored."""
    return (folder / f"seed{seed}.json").is_file()


def store(folder: Path, seed: int, run: StoredRun) -> None:
    """Writes a run; the JSON last, because a run that has one is finished."""
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
    """Writes a JSON file whole or not at all."""
    write(path, lambda scratch: scratch.write_text(json.dumps(values, indent=1) + "\n"))


def write(path: Path, how: Callable[[Path], Any]) -> None:
    """Writes a file under a name that no other process uses, then renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        how(scratch)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
