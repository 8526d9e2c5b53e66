"""An approximate nearest-neighbour index next to an exported model, for large catalogues."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from hyperml_tf._argument_checks import check_instance, check_positive, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.geometry import lorentz
from hyperml_tf.models import HyperML
from hyperml_tf.retrieval.results import Neighbours
from hyperml_tf.serving import model_card
from hyperml_tf.serving.served_model import ServedModel

FOLDER = f"{model_card.FOLDER}/faiss"
"""Directory of the index in an exported model."""

_INDEX, _IDS, _REPORT = "index.faiss", "item_ids.json", "report.json"
_TRAINING_ROWS = 64


@names_arguments
class ApproximateIndex:
    """Approximate nearest-neighbour search with faiss: an inverted file of items that are lifted to the hyperboloid.

    The largest dot product of lifted vectors belongs to the smallest hyperbolic distance. The index is not part of the SavedModel
    graph, so model servers do not load it: a client calls the signature `embed_user`, searches the index, and re-ranks the
    candidates by `score`, as `recommend` does. Create one by `from_model` or `load`.

    Args:
        index: A faiss index with the inner product metric.
        item_ids: Ids of its rows, as strings, `(n,)`.
        report: A dictionary of what was measured when it was built.

    Example:

    >>> from hyperml_tf import HyperML
    >>> model = HyperML(["ann"], ["a", "b", "c"], dim=4, history=0)
    >>> index = ApproximateIndex.from_model(model, k=2)  # doctest: +SKIP
    >>> FOLDER  # where `save` writes it
    'assets.extra/faiss'
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
        """Builds an index and measures its recall@k against exact search.

        Args:
            model: A trained `HyperML`.
            n_lists: Optional integer >= 1, number of inverted lists. Defaults to four times the square root of the number of
                items.
            n_probe: Optional integer >= 1, number of lists that a search visits. Defaults to the smallest power of two, from 8
                on, that reaches `recall`.
            recall: Float in (0, 1], the recall to reach if `n_probe` is not given. Defaults to `0.95`.
            k: Integer >= 1, the cut-off of the recall. Defaults to `10`.
            queries: Integer >= 1, number of users over which the recall is averaged. Defaults to `1000`.

        Returns:
            A new `ApproximateIndex`.

        Raises:
            ImportError: If faiss is not installed.
            ValueError: If an argument is out of its range.
        """
        for name, value in (("n_lists", n_lists), ("n_probe", n_probe), ("k", k), ("queries", queries)):
            if value is not None:
                count(**{name: value})
        check_positive(recall=recall)
        if recall > 1:
            raise ValueError(f"`recall` must be in (0, 1]. Received: recall={recall}")
        check_instance(HyperML, model=model)
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
        """Sets the number of lists to visit, and returns the recall."""
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
        """Finds the candidates of largest dot product, best first.

        Args:
            vectors: Vectors, `(batch, dim + 1)`, from the signature `embed_user`.
            k: Integer >= 1, number of candidates.

        Returns:
            Ids and dot products, `(batch, k)` each; `""` and minus infinity if the visited lists have fewer items.

        Raises:
            ValueError: If `vectors` have another size, or if `k` is below 1.
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
        """Recommends items from the index, re-ranked by their exact distances.

        Args:
            served: The `ServedModel` to which the index belongs.
            users: List of raw user ids.
            k: Integer >= 1, number of recommendations. Defaults to `10`.
            candidates: Integer, number of candidates from the index. Defaults to `100`.

        Returns:
            A `Neighbours`, with ids as strings.
        """
        ids, _ = self.search(served.embed_users(users), max(k, candidates))
        distances = served.score(users, ids.tolist())
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return Neighbours(np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1))

    def save(self, export: str | os.PathLike[str]) -> Path:
        """Writes the index into the directory of an exported model, and returns its path.

        From then on the hashes in the model card are those of the files with the index. To have both appear at the same time,
        pass the index to `export_saved_model`.
        """
        folder = self.write_files(Path(export))
        with contextlib.suppress(FileNotFoundError):
            model_card.write(Path(export), model_card.read(Path(export)))
        return folder

    def write_files(self, export: Path) -> Path:
        """Writes the index into a directory that is going to be an export, and returns its path.

        Args:
            export: Path of the directory.
        """
        folder = export / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        _faiss().write_index(self.index, str(folder / _INDEX))
        (folder / _IDS).write_text(json.dumps(self.item_ids.tolist()))
        (folder / _REPORT).write_text(json.dumps(self.report, indent=2) + "\n")
        return folder

    @classmethod
    def load(cls, export: str | os.PathLike[str]) -> ApproximateIndex:
        """Reads the index of an exported model.

        Args:
            export: Path of the exported model.

        Raises:
            FileNotFoundError: If it has no index.
            ImportError: If faiss is not installed.
        """
        folder = Path(export) / FOLDER
        if not (folder / _INDEX).is_file():
            raise FileNotFoundError(f"`export` must have an index in {FOLDER}. Received: {str(export)!r}")
        ids = np.array(json.loads((folder / _IDS).read_text()), dtype=object)
        return cls(_faiss().read_index(str(folder / _INDEX)), ids, json.loads((folder / _REPORT).read_text()))


def _inverted_file(vectors: np.ndarray, lists: int) -> Any:
    """An inverted file of Euclidean clusters, searched by dot product. Clusters by dot product would be too uneven."""
    faiss = _faiss()
    n, dim = vectors.shape
    sample = np.random.default_rng(0).permutation(n)[: _TRAINING_ROWS * lists]
    # Without this minimum, faiss warns on standard error below 39 points per centroid.
    clusters = faiss.Kmeans(dim, lists, niter=15, seed=1, min_points_per_centroid=1)
    clusters.train(vectors[sample])
    nearest, product = faiss.IndexFlatL2(dim), faiss.IndexFlatIP(dim)
    for quantizer in (nearest, product):
        quantizer.add(clusters.centroids)
    index = faiss.IndexIVFFlat(nearest, dim, lists, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    index.quantizer = product
    # Deserialized, so that it owns its quantizer.
    return faiss.deserialize_index(faiss.serialize_index(index))


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ImportError("Approximate indexes require faiss: pip install 'hyperml-tf[ann]'") from error
    return faiss
