"""Speed of exact retrieval: the index of this package and its export, compared with TensorFlow Recommenders and faiss.

    pip install -e '.[benchmarks,ann]'        # and, for the graph index: pip install hnswlib
    python benchmarks/retrieval.py [--items 100000 1000000] [--batches 1 64 1024] [--rounds 5] [--quick] [--json figures.json]
    python benchmarks/retrieval.py --trained amazon-clothing.csv.gz [--epochs 5]

The model has random points at distances like those of a trained model; the other sides search the same points, lifted. All
sides have the same queries, the first 10 items for a batch of users. This package takes ids and returns ids and distances; the
others take lifted query vectors and return positions and products. Sides alternate in `--rounds` rounds of at least
`--seconds`, and results are over all batches of a side. *Overlap* is the share of the true first 10, by distances in float64,
that a side returns. *MB* is the memory for the catalogue, *build* the time from the model to the first result. The last
columns are the ratios of queries per second to each rival. Takes about 6 minutes.

With `--trained`, a model is trained on a table first, and approximate indexes of its items are compared, see `approximate.py`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import approximate
import numpy as np
import results
import tensorflow as tf
import tensorflow_recommenders as tfrs
import timing
from random_model import random_model

from hyperml_tf import DistanceIndex, HyperML, ServedModel, export_saved_model
from hyperml_tf.geometry import lorentz

K = 10
BRUTE, FAISS = "TFRS BruteForce", "faiss IndexFlatIP"
USERS = 4096
CHECKED = 256
"""The number of users whose results are compared with float64."""


class Side(NamedTuple):
    """An index of the comparison.

    Args:
        ask: user codes, `(batch,)` -> positions of items, `(batch, K)`.
        size: the memory for the catalogue in bytes.
        build: the seconds from the model to the first result.
    """

    ask: Callable[[np.ndarray], np.ndarray]
    size: int
    build: float


def sides(model: HyperML, folder: Path) -> dict[str, Side]:
    """All indexes of the comparison."""
    c = model.curvature()
    users = lorentz.query(lorentz.lift(model.query_tower.all_points(), c), c).numpy()
    items = model.candidate_tower.all_points()
    lifted_size = items.shape[0] * (items.shape[1] + 1) * 4
    # Points and norms, and per item a factor, a row and a place.
    held = lifted_size + 12 * items.shape[0]
    makers: dict[str, tuple[Callable[[], Any], int]] = {
        "DistanceIndex": (lambda: _index(model), held),
        "SavedModel": (lambda: _served(model, folder), held),
        BRUTE: (lambda: _tfrs_brute_force(users, lorentz.lift(items, c)), lifted_size),
        "TFRS Streaming": (lambda: _tfrs_streaming(users, lorentz.lift(items, c)), lifted_size),
    }
    if timing.has("faiss", FAISS):
        makers[FAISS] = (lambda: _faiss(users, lorentz.lift(items, c)), lifted_size)
    ready = {}
    for name, (make, size) in makers.items():
        started = time.perf_counter()
        ask = make()
        ask(np.arange(1))
        ready[name] = Side(ask, size, time.perf_counter() - started)
    return ready


def _positions(ids: np.ndarray) -> np.ndarray:
    """The positions of ids such as `item_0000012`."""
    return np.array([[int(value[5:]) for value in row] for row in ids.tolist()])


def _index(model: HyperML) -> Any:
    index = DistanceIndex(model)
    ids = model.query_tower.ids
    return lambda codes: index.recommend(ids[codes], K, exclude_seen=False).ids


def _served(model: HyperML, folder: Path) -> Any:
    served = ServedModel(export_saved_model(model, folder, k=K, overwrite=True, exclude_seen=False))
    ids = model.query_tower.ids
    return lambda codes: served.recommend(ids[codes].tolist()).ids


def _tfrs_brute_force(users: np.ndarray, lifted: tf.Tensor) -> Any:
    index = tfrs.layers.factorized_top_k.BruteForce(k=K)
    index.index(lifted)
    return lambda codes: index(tf.constant(users[codes]))[1].numpy()


def _tfrs_streaming(users: np.ndarray, lifted: tf.Tensor) -> Any:
    streaming = tfrs.layers.factorized_top_k.Streaming(k=K)
    streaming.index_from_dataset(tf.data.Dataset.from_tensor_slices(lifted).batch(16384))
    return lambda codes: streaming(tf.constant(users[codes]))[1].numpy()


def _faiss(users: np.ndarray, lifted: tf.Tensor) -> Any:
    import faiss

    index = faiss.IndexFlatIP(lifted.shape[1])
    index.add(lifted.numpy())
    return lambda codes: index.search(np.ascontiguousarray(users[codes]), K)[1]


def truth(model: HyperML) -> np.ndarray:
    """The true first items of some users, sorted in float64."""
    score = model.scorer()
    rows = [np.argpartition(-score(np.array([user])).numpy()[0], K)[:K] for user in range(CHECKED)]
    return np.array(rows)


def measure(ready: dict[str, Side], batch: int, rounds: int, seconds: float) -> dict[str, np.ndarray]:
    """The seconds of each batch of each side, measured alternately."""
    rng = np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in ready}
    for side in ready.values():
        side.ask(rng.integers(USERS, size=batch))
    for _ in range(rounds):
        for name, side in ready.items():
            spent = 0.0
            while spent < seconds:
                codes = rng.integers(USERS, size=batch)
                started = time.perf_counter()
                side.ask(codes)
                times[name].append(time.perf_counter() - started)
                spent += times[name][-1]
    return {name: np.array(values) for name, values in times.items()}


def compare(items: int, batches: list[int], dim: int, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """The results for one size of the catalogue."""
    model = random_model(USERS, items, dim)
    expected, rows = truth(model), []
    with tempfile.TemporaryDirectory() as folder:
        ready = sides(model, Path(folder) / "model")
        overlap = {name: _overlap(side, expected) for name, side in ready.items()}
        for batch in batches:
            for name, values in measure(ready, batch, rounds, seconds).items():
                rows.append(
                    {
                        "items": items,
                        "batch": batch,
                        "side": name,
                        "queries_per_second": batch / float(np.median(values)),
                        "p50_ms": float(np.median(values)) * 1000,
                        "p99_ms": float(np.quantile(values, 0.99)) * 1000,
                        "overlap": overlap[name],
                        "bytes": ready[name].size,
                        "build_seconds": ready[name].build,
                    }
                )
    return rows


def _overlap(side: Side, expected: np.ndarray) -> float:
    found = side.ask(np.arange(CHECKED))
    found = _positions(found) if found.dtype == object else found
    return float(np.mean([len(set(row) & set(true)) / K for row, true in zip(found, expected, strict=True)]))


def table(rows: list[dict[str, Any]]) -> str:
    """A Markdown table. The last columns are the ratios of queries per second to BruteForce and faiss."""
    header = ["items", "batch", "side", "queries/s", "p50 ms", "p99 ms", "overlap@10", "MB", "build s"]
    header += ["it / BruteForce", "it / faiss"]
    lines = []
    for row in rows:
        speeds = {
            other["side"]: other["queries_per_second"]
            for other in rows
            if (other["items"], other["batch"]) == (row["items"], row["batch"])
        }
        speed = row["queries_per_second"]
        lines.append(
            [
                *(f"{row['items']:,}", str(row["batch"]), row["side"], f"{speed:,.0f}", f"{row['p50_ms']:.2f}"),
                *(f"{row['p99_ms']:.2f}", f"{row['overlap']:.4f}", f"{row['bytes'] / 1e6:.0f}"),
                f"{row['build_seconds']:.1f}",
                *(f"{speed / speeds[rival]:.2f}" if rival in speeds else "" for rival in (BRUTE, FAISS)),
            ]
        )
    return timing.markdown(header, lines)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64, 1024])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="seconds per side and round, at least one batch")
    parser.add_argument("--trained", type=Path, help="a file of interactions: compare approximate indexes on its items")
    parser.add_argument("--epochs", type=int, default=5, help="epochs of training for --trained")
    parser.add_argument("--quick", action="store_true", help="10,000 items, one short round")
    parser.add_argument("--json", type=Path, help="the file to save the results to")
    arguments = parser.parse_args(words)
    if arguments.trained is not None:
        print(approximate.report(arguments.trained, arguments.epochs, arguments.rounds))
        return
    if arguments.quick:
        arguments.items, arguments.rounds, arguments.seconds = [10_000], 1, 0.1
    rows: list[dict[str, Any]] = []
    for items in arguments.items:
        rows += compare(items, arguments.batches, arguments.dim, arguments.rounds, arguments.seconds)
    print(f"TensorFlow {tf.__version__}, {timing.threads()} threads")
    print(table(rows))
    if arguments.json is not None:
        results.write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
