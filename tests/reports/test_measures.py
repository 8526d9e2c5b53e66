"""The measures of reports, against brute force and what is known of trees, cycles and grids."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse

from hyperml_tf.data import Interactions
from hyperml_tf.reports import (
    ItemGraph,
    distortion,
    gromov_delta,
    mean_average_precision,
    sampled_delta,
    suggested_curvature,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def steps(links: list[tuple[int, int]], lengths: np.ndarray | None = None) -> np.ndarray:
    """The shortest paths of a graph."""
    first, second = np.transpose(links).astype(np.int32)
    n = int(max(first.max(), second.max())) + 1
    graph = scipy.sparse.csr_array((np.ones(len(links)) if lengths is None else lengths, (first, second)), shape=(n, n))
    return scipy.sparse.csgraph.dijkstra(graph, directed=False)


def cycle(n: int) -> np.ndarray:
    return steps([(node, (node + 1) % n) for node in range(n)])


def grid(n: int) -> np.ndarray:
    rows = [(n * row + column, n * row + column + 1) for row in range(n) for column in range(n - 1)]
    return steps(rows + [(n * row + column, n * row + column + n) for row in range(n - 1) for column in range(n)])


def tree(n: int, lengths: np.ndarray | None = None) -> np.ndarray:
    rng = np.random.default_rng(n)
    return steps([(int(rng.integers(node)), node) for node in range(1, n)], lengths)


def delta_of_quadruples(d: np.ndarray) -> float:
    """Gromov's delta by its definition by sums of opposite distances."""
    worst = 0.0
    for x, y, z, w in itertools.combinations(range(len(d)), 4):
        sums = sorted([d[x, y] + d[z, w], d[x, z] + d[y, w], d[x, w] + d[y, z]])
        worst = max(worst, (sums[2] - sums[1]) / 2)
    return worst


# Gromov's delta --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 12])
def test_delta_is_the_worst_of_all_quadruples(n: int, rng: np.random.Generator) -> None:
    points = rng.normal(size=(n, 3))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    assert gromov_delta(distances) == pytest.approx(delta_of_quadruples(distances))
    assert gromov_delta(cycle(n)) == delta_of_quadruples(cycle(n))


def test_trees_have_delta_0(rng: np.random.Generator) -> None:
    assert gromov_delta(tree(40)) == 0
    assert gromov_delta(tree(40, rng.uniform(0.1, 5.0, 39))) == pytest.approx(0, abs=1e-12)


def test_known_values() -> None:
    assert gromov_delta(cycle(16)) == 4  # a quarter of its length
    assert gromov_delta(grid(5)) == 4  # its corners
    assert gromov_delta(np.ones([6, 6]) - np.eye(6)) == 0
    assert gromov_delta(np.zeros([3, 3])) == 0


def test_the_relative_delta_of_samples(rng: np.random.Generator) -> None:
    assert sampled_delta(tree(60), size=20).relative == 0
    whole = sampled_delta(cycle(16), size=100, samples=3)
    assert (whole.relative, whole.low, whole.high, whole.size, whole.samples) == (1.0, 1.0, 1.0, 16, 3)
    points = rng.normal(size=(50, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    some = sampled_delta(distances, size=10, samples=15, seed=3)
    assert some == sampled_delta(distances, size=10, samples=15, seed=3)
    assert some != sampled_delta(distances, size=10, samples=15, seed=4)
    assert 0 < some.low <= some.relative <= some.high < 1
    scaled = sampled_delta(7 * distances, size=10, samples=15, seed=3)
    assert scaled.relative == pytest.approx(some.relative)
    assert scaled.delta == pytest.approx(7 * some.delta)


def test_the_ball_of_curvature_1_suggests_curvature_1() -> None:
    """At the diameter of the constant, in a plane, among points at the edge of the disk."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    norm = np.tanh(12.2 / 4)
    x = norm * np.exp(1j * angles)
    difference = np.abs(x[:, None] - x) / (1 - norm**2)
    found = sampled_delta(2 * np.arcsinh(difference), size=48, samples=1)
    assert found.diameter == pytest.approx(12.2, rel=1e-3)
    # The constant is that of triangles, log(1 + sqrt(2)); quadruples have log(2).
    expected = (np.log1p(np.sqrt(2)) / np.log(2)) ** 2
    assert suggested_curvature(found.relative) == pytest.approx(expected, rel=0.05)


def test_curvature_grows_as_the_diameter_shrinks() -> None:
    assert suggested_curvature(0.144 / 2, 6.1) == pytest.approx(16)
    assert suggested_curvature(0.0) == np.inf
    with pytest.raises(ValueError, match=r"`diameter` > 0. Received: relative=0.1, diameter=0"):
        suggested_curvature(0.1, 0)


# Distortion ------------------------------------------------------------------------------------------------------


def test_distances_of_the_graph_in_another_unit_have_no_distortion() -> None:
    paths = tree(30)
    assert distortion(paths / 4, paths) == (pytest.approx(0, abs=1e-15), 4.0, 30 * 29)


def test_the_scale_of_distortion_is_the_best_one(rng: np.random.Generator) -> None:
    graph = 1.0 + rng.integers(5, size=(6, 7))
    distances = rng.uniform(0.1, 2.0, size=(6, 7))
    found = distortion(distances, graph)
    # The mean is piecewise linear in the scale, so it is smallest where a pair is met exactly.
    errors = [np.mean(np.abs(scale * distances - graph) / graph) for scale in (graph / distances).ravel()]
    assert found.mean == pytest.approx(min(errors))
    assert found.mean == pytest.approx(np.mean(np.abs(found.scale * distances - graph) / graph))


def test_points_at_one_place_and_pairs_without_a_path() -> None:
    graph = np.array([[0.0, 1.0, np.inf], [1.0, 0.0, np.inf]])
    assert distortion(np.zeros([2, 3]), graph) == (1.0, 1.0, 2)
    assert distortion(np.array([[0.0, 1.0, 9.0]] * 2), graph).mean == 0.5


# Mean average precision ------------------------------------------------------------------------------------------


def test_a_graph_has_the_precision_1_of_its_own_distances() -> None:
    paths = tree(30) + np.diag(np.full(30, np.inf))
    assert mean_average_precision(paths, paths == 1) == 1


def test_precision_by_its_definition(rng: np.random.Generator) -> None:
    distances = rng.integers(1, 9, size=(8, 12)).astype(float)  # with ties
    linked = rng.random((8, 12)) < 0.3
    linked[3] = False  # a point without neighbours does not count
    expected = []
    for d, neighbours in zip(distances, linked, strict=True):
        within = [(d <= d[v]).nonzero()[0] for v in np.flatnonzero(neighbours)]
        expected += [np.mean([neighbours[near].mean() for near in within])] if within else []
    assert len(expected) < 8
    assert mean_average_precision(distances, linked) == pytest.approx(np.mean(expected))


# What they refuse ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gromov_delta(np.zeros([2, 3])), r"`distances` must be a square matrix. Received: shape \(2, 3\)"),
        (lambda: gromov_delta([[0, 1], [2, 0]]), "`distances` must be symmetric"),
        (lambda: gromov_delta([[0, np.nan], [np.nan, 0]]), "`distances` must be finite"),
        (lambda: sampled_delta(np.zeros([9, 9])), "at least four points, not all at one place. Received: 9"),
        (lambda: sampled_delta(cycle(9), size=3), "`size` must be at least 4"),
        (lambda: distortion(np.ones([2, 2]), np.ones([2, 3])), "must be matrices of one shape. Received: .*2, 3"),
        (lambda: distortion([[1.0]], [[0.0]]), "`graph` must have a pair of two points"),
        (lambda: mean_average_precision([[-1.0]], [[True]]), "`distances` must be numbers >= 0"),
        (lambda: mean_average_precision([[1.0]], [[False]]), "`neighbours` must have a pair of neighbours"),
    ],
)
def test_invalid_arguments(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# The item graph --------------------------------------------------------------------------------------------------


def table(users: int = 60, items: int = 40, rows: int = 500) -> Interactions:
    rng = np.random.default_rng(0)
    return Interactions.from_arrays(rng.integers(users, size=rows), (items * rng.random(rows) ** 2).astype(int))


def test_items_are_linked_to_those_with_the_most_alike_users() -> None:
    rows = table()
    k = 3
    matrix = np.zeros([rows.n_users, rows.n_items])
    matrix[rows.users, rows.items] = 1
    norms = np.linalg.norm(matrix, axis=0)
    cosines = (matrix.T @ matrix) / np.outer(norms, norms)
    np.fill_diagonal(cosines, 0)
    expected = np.zeros_like(cosines, bool)
    for item, row in enumerate(np.round(cosines, 9)):
        best = np.argsort(-row, kind="stable")[:k]
        expected[item, best] = row[best] > 0
    found = ItemGraph.of(rows, k).links.toarray()
    np.testing.assert_array_equal(found, expected | expected.T)


def test_the_graph_of_blocks_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table()
    whole = ItemGraph.of(rows, 4).links.toarray()
    monkeypatch.setattr("hyperml_tf.reports.item_graph._PRODUCTS", 7 * rows.n_items)
    np.testing.assert_array_equal(ItemGraph.of(rows, 4).links.toarray(), whole)


def test_of_too_many_rows_some_users_are_drawn() -> None:
    rows = table()
    some = ItemGraph.of(rows, work=500, seed=1)
    assert 0 < some.users < ItemGraph.of(rows).users == rows.n_users
    np.testing.assert_array_equal(some.links.toarray(), ItemGraph.of(rows, work=500, seed=1).links.toarray())


def test_users_of_a_branch_make_a_tree_of_items() -> None:
    """Each user has two items: a node of a binary tree and its parent."""
    nodes = np.arange(1, 31)
    rows = Interactions.from_arrays(np.repeat(nodes, 2), np.stack([(nodes - 1) // 2, nodes], axis=1).ravel())
    graph = ItemGraph.of(rows)
    assert len(graph.largest_component()) == 31
    assert gromov_delta(graph.steps(np.arange(31))) == 0
