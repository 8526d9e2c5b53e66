"""The item graph of a table, how much it is like a tree, and how well the learned space agrees with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse

from hyperml_tf.data import Interactions
from hyperml_tf.reports.average_precision import mean_average_precision
from hyperml_tf.reports.graph_distortion import distortion
from hyperml_tf.reports.hyperbolicity import sampled_delta, suggested_curvature
from hyperml_tf.reports.item_graph import ItemGraph
from hyperml_tf.reports.sampling import Sampling
from hyperml_tf.reports.space import Space
from hyperml_tf.reports.verdict import MOST

_SMALLEST = 8
_DOUBLINGS = 3


def measure_structure(space: Space, training: Interactions, sampling: Sampling) -> dict[str, Any]:
    """Returns measures of the item graph, Gromov's delta of it and of the learned distances, and how the two agree.

    Delta is measured among items of the largest component, the same for all distances. It is measured, too, for a random graph
    with the same degrees and for the distances that the learned points would have in flat space, because a number alone says
    little.

    Args:
        space: The learned `Space`.
        training: The rows of which the graph is made.
        sampling: A `Sampling`.
    """
    graph, component, neighbours = _connected(training, sampling)
    described: dict[str, Any] = {
        "items": training.n_items,
        "neighbours": neighbours,
        "links": int(graph.links.nnz) // 2,
        "users": graph.users,
        "component": len(component),
        "share": len(component) / training.n_items,
    }
    if len(component) < _SMALLEST:
        return {"graph": described, "delta": None, "agreement": None, "flatness": None}
    rng = np.random.default_rng([sampling.seed, 2])
    sources = np.sort(rng.permutation(component)[: sampling.sources])
    steps = graph.steps(sources)[:, component]
    learned = space.between(sources, component)
    among = np.searchsorted(component, sources)
    flat = space.flat_between(sources, sources)
    matrices = {
        "graph": steps[:, among],
        "random graph": _random_steps(graph, sampling),
        "learned": learned[:, among],
        "learned, flat": flat,
    }
    described |= {"sources": len(sources), "mean_steps": float(steps[steps > 0].mean()), "largest": float(steps.max())}
    apart = flat > 0
    return {
        "graph": described,
        "delta": {name: _delta(matrix, sampling) for name, matrix in matrices.items()},
        "agreement": _agreement(learned, steps, graph, sources, component),
        "flatness": float(np.median(learned[:, among][apart] / flat[apart])) if apart.any() else None,
    }


def _connected(training: Interactions, sampling: Sampling) -> tuple[ItemGraph, np.ndarray, int]:
    """The item graph, its largest component and the number of neighbours, doubled until most items are connected."""
    for doublings in range(_DOUBLINGS + 1):
        neighbours = sampling.neighbours * 2**doublings
        graph = ItemGraph.of(training, neighbours, seed=sampling.seed)
        component = graph.largest_component()
        if len(component) >= MOST * training.n_items or neighbours >= training.n_items:
            break
    return graph, component, neighbours


def _delta(matrix: np.ndarray | None, sampling: Sampling) -> dict[str, Any] | None:
    if matrix is None or len(matrix) < 4 or not matrix.max() > 0:
        return None
    # Distances are computed in both directions, and differ in the last digit.
    matrix = (matrix + matrix.T) / 2
    found = sampled_delta(matrix, sampling.delta_size, sampling.delta_samples, sampling.seed)
    diameter = float(matrix.max())
    curvature, own = suggested_curvature(found.relative), suggested_curvature(found.relative, diameter)
    return {
        **found._asdict(),
        "largest_distance": diameter,
        "curvature": curvature if math.isfinite(curvature) else None,
        "curvature_at_own_scale": own if math.isfinite(own) else None,
    }


def _random_steps(graph: ItemGraph, sampling: Sampling) -> np.ndarray | None:
    """Steps between items of a graph in which the ends of all links were exchanged at random."""
    rng = np.random.default_rng([sampling.seed, 3])
    pairs = scipy.sparse.triu(graph.links).tocoo()
    first, second = np.array_split(rng.permutation(np.concatenate([pairs.row, pairs.col])), 2)
    loops = first == second
    first, second = first[~loops], second[~loops]
    links = scipy.sparse.csr_array(
        (np.ones(2 * len(first), bool), (np.concatenate([first, second]), np.concatenate([second, first]))),
        shape=graph.links.shape,
    )
    random = ItemGraph(links, graph.users)
    component = random.largest_component()
    if len(component) < _SMALLEST:
        return None
    sources = np.sort(rng.permutation(component)[: sampling.sources])
    return random.steps(sources)[:, sources]


def _agreement(
    learned: np.ndarray, steps: np.ndarray, graph: ItemGraph, sources: np.ndarray, component: np.ndarray
) -> dict[str, Any]:
    found, constant = distortion(learned, steps), distortion(np.ones_like(steps), steps)
    linked = graph.links[sources][:, component].toarray()
    others = np.where(component == sources[:, None], np.inf, learned)
    levels = []
    for level in np.unique(steps[steps > 0]).tolist():
        at = learned[steps == level]
        quartiles = [float(value) for value in np.quantile(at, (0.25, 0.5, 0.75))]
        levels.append({"steps": int(level), "pairs": len(at), "quartiles": quartiles})
    return {
        "distortion": found.mean,
        "scale": found.scale,
        "pairs": found.pairs,
        "distortion_of_equal_distances": constant.mean,
        "mean_average_precision": mean_average_precision(others, linked),
        "share_of_neighbours": float(linked.mean()),
        "levels": levels,
    }
