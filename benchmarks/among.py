"""`recommend_among` compared with a full search whose answers are filtered afterwards.

    python benchmarks/among.py [--items 100000] [--candidates 10 100 1000 10000 100000] [--batches 1 32] [--json figures.json]

The model has random points at distances like those of a trained model, and its export leaves out seen items. Candidates are
drawn at random for every user. *Filtered* asks `serving_default` for the nearest items and keeps the candidates among them. To
find `k` of `m` candidates among `n` items, about `k n / m` items have to be asked for: its export has twice as many as its `k`,
up to the whole catalogue, and answers that still lack some are counted as *incomplete*. *Full* is `serving_default` with the
same `k` and no filter. Times are medians over `--rounds` calls, each with other users and candidates; sides alternate. All other
answers are compared, and a difference is an error.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import results
import tensorflow as tf
from random_model import random_model

import hyperml_tf as hml

K = 10
COLUMNS = (
    "candidates",
    "users a call",
    "among, ms",
    "filtered, ms",
    "full, ms",
    "filtered / among",
    "full / among",
    "same answers",
    "incomplete",
)


def seconds(ask: Callable[..., Any], inputs: dict[str, tf.Tensor]) -> tuple[float, dict[str, np.ndarray]]:
    started = time.perf_counter()
    answer = {name: value.numpy() for name, value in ask(**inputs).items()}
    return time.perf_counter() - started, answer


def kept(ids: np.ndarray, candidates: np.ndarray) -> list[list[bytes]]:
    """The first `K` items of each row that are candidates of the row."""
    sets = [set(row.tolist()) for row in candidates]
    return [[one for one in row if one in own][:K] for row, own in zip(ids.tolist(), sets, strict=True)]


def compare(among: Any, wide: Any, model: hml.HyperML, m: int, batch: int, rounds: int) -> dict[str, Any]:
    """Medians in milliseconds, and how many answers of a comparison were equal."""
    rng = np.random.default_rng(m + batch)
    users, items = model.query_tower.ids.astype("S"), model.candidate_tower.ids.astype("S")
    times: dict[str, list[float]] = {"among": [], "filtered": [], "full": []}
    equal = incomplete = 0
    for number in range(rounds + 1):
        asked = {"user_id": tf.constant(rng.choice(users, batch))}
        candidates = items[rng.integers(len(items), size=(batch, m))]
        among_s, answer = seconds(among["recommend_among"], {**asked, "candidates": tf.constant(candidates)})
        full_s, _ = seconds(among["serving_default"], asked)
        wide_s, found = seconds(wide["serving_default"], asked)
        started = time.perf_counter()
        rows = kept(found["item_id"], candidates)
        wide_s += time.perf_counter() - started
        for row, expected in zip(answer["item_id"].tolist(), rows, strict=True):
            complete = len(expected) == K or found["item_id"].shape[1] == len(items)
            incomplete += not complete
            if complete and [one for one in row if one] != expected:
                raise RuntimeError(f"Answers differ with {m} candidates: {row} and {expected}")
            equal += complete
        if number:  # the first call of a shape may allocate
            for name, value in (("among", among_s), ("filtered", wide_s), ("full", full_s)):
                times[name].append(1e3 * value)
    return {
        **{name: statistics.median(values) for name, values in times.items()},
        "equal": equal,
        "incomplete": incomplete,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--candidates", type=int, nargs="+", default=[10, 100, 1000, 10_000, 100_000])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    model = random_model(arguments.users, arguments.items, arguments.dim)
    figures = {}
    print(f"| {' | '.join(COLUMNS)} |\n{'|--:' * len(COLUMNS)}|")
    with tempfile.TemporaryDirectory() as scratch:
        exports: dict[int, Any] = {}
        for m in arguments.candidates:
            wide = min(arguments.items, 2 * K * -(-arguments.items // m))
            for k in (K, wide):
                if k not in exports:
                    path = hml.export_saved_model(model, Path(scratch) / str(k), k=k)
                    exports[k] = tf.saved_model.load(path)
            for batch in arguments.batches:
                got = compare(exports[K].signatures, exports[wide].signatures, model, m, batch, arguments.rounds)
                figures[f"{m} candidates, {batch} users"] = got
                among, filtered, full = (got[name] for name in ("among", "filtered", "full"))
                print(
                    f"| {m:,} | {batch} | {among:.1f} | {filtered:.1f} | {full:.1f} | {filtered / among:.2f} "
                    f"| {full / among:.2f} | {got['equal']} | {got['incomplete']} |",
                    flush=True,
                )
    if arguments.json:
        results.write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
