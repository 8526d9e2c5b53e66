"""Approximate search among the items of a trained model: recall@10 of the exact answer against time. A part of `retrieval.py`.

An inverted file of faiss searches lifted items by the largest product. A graph of hnswlib cannot: products have no triangle
inequality. It searches the points of the ball by Euclidean distance, and its first 200 are put in order by the hyperbolic one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import timing

import hyperml_tf as hml
from hyperml_tf.geometry import lorentz

K, BATCH, RERANKED = 10, 64, 200
EXACT = "DistanceIndex"

Search = Callable[[np.ndarray], np.ndarray]
"""Codes of users, `(batch,)` -> positions of items, or, for the exact index, their ids, `(batch, K)`."""


def trained(path: Path, epochs: int) -> Any:
    """A model of the table, after some epochs."""
    table = hml.Interactions.from_file(path)
    model = hml.HyperML.from_interactions(table)
    model.compile(steps_per_execution=16)
    model.fit(table, epochs=epochs, verbose=0)
    return model


def inverted_files(model: Any, users: np.ndarray) -> dict[str, Search]:
    """The package's own index, searched at several depths; `users` are lifted vectors."""
    index = hml.serving.ApproximateIndex.from_model(model, n_probe=1).index

    def at(depth: int) -> Search:
        def search(codes: np.ndarray) -> np.ndarray:
            index.nprobe = depth
            return index.search(np.ascontiguousarray(users[codes]), K)[1]

        return search

    return {f"faiss IVF, {depth} of {index.nlist} parts": at(depth) for depth in (8, 32, 128) if depth < index.nlist}


def graphs(users: np.ndarray, items: np.ndarray) -> dict[str, Search]:
    """hnswlib. Arguments are points of the ball, curvature 1."""
    import hnswlib

    graph = hnswlib.Index("l2", items.shape[1])
    graph.init_index(len(items), M=32, ef_construction=200, random_seed=1)
    graph.add_items(items)
    gap = 1.0 - (items**2).sum(1)

    def at(depth: int) -> Search:
        def search(codes: np.ndarray) -> np.ndarray:
            graph.set_ef(max(depth, RERANKED))
            near = users[codes]
            found = graph.knn_query(near, min(RERANKED, len(items)))[0].astype(np.int64)
            chord = ((near[:, None] - items[found]) ** 2).sum(2) / gap[found]
            return np.take_along_axis(found, np.argsort(chord, axis=1)[:, :K], axis=1)

        return search

    return {f"hnswlib, ef {depth}, {RERANKED} put in order": at(depth) for depth in (200, 400)}


def sides(model: Any) -> dict[str, Search]:
    """The exact index first, then all that are installed."""
    c = model.curvature()
    near, far = model.query_tower.all_points(), model.candidate_tower.all_points()
    users = lorentz.query(lorentz.lift(near, c), c).numpy()
    index, ids = hml.DistanceIndex(model), model.query_tower.ids

    found: dict[str, Search] = {EXACT: lambda codes: index.recommend(ids[codes], K, exclude_seen=False).ids}
    if timing.has("faiss", "faiss IVF"):
        found |= inverted_files(model, users)
    if timing.has("hnswlib", "hnswlib"):
        found |= graphs(near.numpy(), far.numpy())
    return found


def recall(found: np.ndarray, expected: np.ndarray) -> float:
    """The share of the expected positions that were found; both `(batch, k)`."""
    return float(np.mean([len(set(row) & set(true)) / len(true) for row, true in zip(found, expected, strict=True)]))


def report(path: Path, epochs: int, rounds: int) -> str:
    """The table for one file of interactions; the last column divides queries a second by those of the exact index."""
    model = trained(path, epochs)
    ready = sides(model)
    rng = np.random.default_rng(0)
    asked = rng.permutation(len(model.query_tower))[:1024]
    score = model.scorer()
    expected = np.concatenate(
        [np.argpartition(-np.asarray(score(rows)), K, axis=1)[:, :K] for rows in np.array_split(asked, 16)]
    )
    ids = model.candidate_tower.ids
    recalls = {
        name: recall(search(asked), ids[expected] if name == EXACT else expected) for name, search in ready.items()
    }

    def work(search: Search) -> int:
        search(rng.choice(len(model.query_tower), BATCH))
        return BATCH

    figures = timing.take_turns(
        {name: lambda s=search: timing.rate(lambda: work(s), 0.5) for name, search in ready.items()}, rounds
    )
    speeds = timing.medians(figures)
    rows = [
        [name, f"{recalls[name]:.4f}", f"{speed:,.0f}", f"{speed / speeds[EXACT]:.2f}"]
        for name, speed in speeds.items()
    ]
    title = f"{path.name}: {len(model.candidate_tower):,} items, batches of {BATCH}, {timing.threads()} threads"
    return title + "\n" + timing.markdown(["side", "recall@10", "queries/s", "it / exact"], rows)
