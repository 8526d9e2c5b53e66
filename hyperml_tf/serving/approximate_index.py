"""An approximate index beside an export, for catalogues that are too large to compare with one by one."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from hyperml_tf.geometry import lorentz
from hyperml_tf.models import HyperML
from hyperml_tf.retrieval.results import Neighbours
from hyperml_tf.serving.served_model import ServedModel

FOLDER = "assets.extra/faiss"
"""Where it lies in an export."""

_INDEX, _IDS, _REPORT = "index.faiss", "item_ids.json", "report.json"
_TRAINING_ROWS = 64


class ApproximateIndex:
    """A faiss inverted file over lifted vectors, searched by the largest dot product, which is the smallest distance.

    It is outside the graph: no server loads it by itself. A program asks the export's `embed_user` for a vector, the index for
    candidates, and the export's `score` for their distances, as `recommend` does. Make one with `from_model`, or `load` it.

    Args:
        index: a faiss index of inner products.
        item_ids: `(n,)` the ids of its rows, as text.
        report: what was measured when it was built.
    """

    def __init__(self, index: Any, item_ids: np.ndarray, report: dict[str, Any]) -> None:
        self.index, self.item_ids, self.report = index, item_ids, report

    @classmethod
    def from_model(
        cls,
        model: HyperML,
        n_lists: int | None = None,
        n_probe: int | None = None,
        recall: float = 0.95,
        k: int = 10,
        queries: int = 1000,
    ) -> ApproximateIndex:
        """Builds an index and measures its recall: the share of the true first `k` items among the first `k` found.

        Args:
            model: a trained model.
            n_lists: parts of the catalogue; four times the square root of its size if None.
            n_probe: parts that a search looks into. More find more, and take longer. If None it is the lowest power of two, from
                8 on, that reaches `recall`.
            recall: see `n_probe`; in (0, 1].
            k, queries: recall is that of the first `k` items, over so many users.

        Raises:
            ImportError: if faiss is not installed.
            ValueError: if a number is out of its range.
        """
        for name, value in (("n_lists", n_lists), ("n_probe", n_probe), ("k", k), ("queries", queries)):
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        if not 0 < recall <= 1:
            raise ValueError(f"`recall` must be in (0, 1]. Received: recall={recall}")
        started = time.perf_counter()
        vectors = lorentz.lift(model.candidate_tower.all_points(), model.curvature()).numpy()
        n = len(vectors)
        lists = min(n, n_lists or max(1, round(4 * n**0.5)))
        ids = np.array([str(value) for value in model.candidate_tower.ids.tolist()], dtype=object)
        built = cls(_inverted_file(vectors, lists), ids, {})
        seconds = round(time.perf_counter() - started, 2)
        found = built._set_probe(model, lists, n_probe, recall, min(k, n), queries)
        built.report = {"items": n, "lists": lists, "probe": built.index.nprobe, "seconds": seconds, **found}
        return built

    def _set_probe(
        self, model: HyperML, lists: int, n_probe: int | None, wanted: float, k: int, queries: int
    ) -> dict[str, Any]:
        """Chooses how many parts to look into, and says what that finds."""
        known = model.query_tower.ids
        users = np.random.default_rng(0).permutation(len(known))[:queries]
        c = model.curvature()
        points = model.query_tower.points(users.astype(np.int32))
        vectors = lorentz.query(lorentz.lift(points, c), c).numpy()
        exact = model.recommend(known[users], k, exclude_seen=False).ids.astype(str).tolist()
        probe = min(lists, n_probe or 8)
        while True:
            self.index.nprobe = probe
            rows = self.search(vectors, k)[0].tolist()
            found = float(np.mean([len(set(row) & set(truth)) / k for row, truth in zip(rows, exact, strict=True)]))
            if n_probe is not None or found >= wanted or probe == lists:
                return {f"recall@{k}": round(found, 4), "queries": len(users)}
            probe = min(lists, 2 * probe)

    def search(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The candidates of largest dot product, best first.

        Args:
            vectors: `(batch, dim + 1)`, as from the signature `embed_user`.
            k: how many, at least 1.

        Returns:
            Ids and dot products, both `(batch, k)`; `""` and minus infinity where the parts looked into hold fewer.
        """
        queries = np.ascontiguousarray(vectors, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.index.d or k < 1:
            raise ValueError(
                f"`vectors` must be (batch, {self.index.d}) and `k` at least 1. Received: shape {queries.shape}, k={k}"
            )
        products, rows = self.index.search(queries, k)
        ids = np.where(rows < 0, "", self.item_ids[np.maximum(rows, 0)])
        return ids, np.where(rows < 0, -np.inf, products)

    def recommend(self, served: ServedModel, users: list[Any], k: int = 10, candidates: int = 100) -> Neighbours:
        """The nearest of some candidates of each user, with their exact distances.

        Args:
            served: the export the index belongs to.
            users: raw ids.
            k: how many.
            candidates: how many the index is asked for.
        """
        ids, _ = self.search(served.embed_users(users), max(k, candidates))
        distances = served.score(users, ids.tolist())
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return Neighbours(np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1))

    def save(self, export: str | os.PathLike[str]) -> Path:
        """Writes the index into an export, and returns its folder there."""
        folder = Path(export) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        _faiss().write_index(self.index, str(folder / _INDEX))
        (folder / _IDS).write_text(json.dumps(self.item_ids.tolist()))
        (folder / _REPORT).write_text(json.dumps(self.report, indent=2) + "\n")
        return folder

    @classmethod
    def load(cls, export: str | os.PathLike[str]) -> ApproximateIndex:
        """Reads the index of an export.

        Raises:
            FileNotFoundError: if the export has none.
            ImportError: if faiss is not installed.
        """
        folder = Path(export) / FOLDER
        if not (folder / _INDEX).is_file():
            raise FileNotFoundError(f"`export` must have an index in {FOLDER}. Received: {str(export)!r}")
        ids = np.array(json.loads((folder / _IDS).read_text()), dtype=object)
        return cls(_faiss().read_index(str(folder / _INDEX)), ids, json.loads((folder / _REPORT).read_text()))


def _inverted_file(vectors: np.ndarray, lists: int) -> Any:
    """Parts are formed by Euclidean distance and chosen by dot product; formed by it, too, a few would draw all vectors."""
    faiss = _faiss()
    n, dim = vectors.shape
    sample = np.random.default_rng(0).permutation(n)[: _TRAINING_ROWS * lists]
    # faiss warns on standard error below 39 rows a part.
    clusters = faiss.Kmeans(dim, lists, niter=15, seed=1, min_points_per_centroid=1)
    clusters.train(vectors[sample])
    nearest, product = faiss.IndexFlatL2(dim), faiss.IndexFlatIP(dim)
    for quantizer in (nearest, product):
        quantizer.add(clusters.centroids)
    index = faiss.IndexIVFFlat(nearest, dim, lists, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    index.quantizer = product
    # Read back from its bytes, so that it owns its parts.
    return faiss.deserialize_index(faiss.serialize_index(index))


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ImportError("Approximate indexes are made with faiss: pip install 'hyperml-tf[ann]'") from error
    return faiss
