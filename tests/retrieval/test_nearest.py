"""`retrieval.nearest` against a float64 sort of the true distances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from retrieval_cases import DIM, points, true_distances

from hyperml_tf.geometry.poincare.ordering import proximity
from hyperml_tf.retrieval import ExactIndex, top_k
from hyperml_tf.retrieval import nearest as nearest_in_index
from hyperml_tf.retrieval.exclusions import (
    exclude_all,
    exclude_matrix,
    exclude_others,
    exclude_pairs,
    exclude_queries,
)

GRID = list(
    itertools.product(
        (1, 7, 40),  # k
        (1, 9),  # queries
        (7, 120),  # candidates
        (None, 3, 150),  # exclusions a query: none, some, more than there are candidates
        (0.0, 1e-3, 1.0),  # curvature
        (0.1, 0.9, 0.9999),  # largest sqrt(c) |x|
    )
)


def nearest(
    queries: np.ndarray, candidates: np.ndarray, c: float, k: int, excluded: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    curvature = tf.constant(c, candidates.dtype)
    exclusion = None if excluded is None else exclude_matrix(excluded)
    indices, distances = nearest_in_index(queries, ExactIndex.of(candidates, curvature), curvature, k, exclusion)
    assert indices.dtype == tf.int32
    return indices.numpy(), distances.numpy()


@pytest.mark.parametrize(("k", "batch", "n", "width", "c", "radius"), GRID)
def test_equals_a_sort(k: int, batch: int, n: int, width: int | None, c: float, radius: float) -> None:
    rng = np.random.default_rng(k + batch + n)
    queries, candidates = points(rng, batch, c, radius), points(rng, n, c, radius)
    queries[0] = 0.0  # the origin, where unknown users lie
    excluded = None if width is None else rng.integers(-1, n, size=(batch, width))
    truth = true_distances(queries, candidates, c)
    if excluded is not None:
        for row, left_out in enumerate(excluded):
            truth[row, left_out[left_out >= 0]] = np.inf
    indices, distances = nearest(queries, candidates, c, k, excluded)
    expected = np.sort(truth, axis=1)[:, :k]
    assert indices.shape == distances.shape == expected.shape == (batch, min(k, n))
    # At c = 1e-3 points have coordinates of 30: the rounding of the input is 1e-6 of a distance of 0.1.
    np.testing.assert_allclose(distances, expected, rtol=3e-5)
    gone = np.isinf(expected)
    np.testing.assert_array_equal(indices == -1, gone)
    for found in indices:
        assert len(set(found[found >= 0])) == np.count_nonzero(found >= 0)
    # Each index is at the distance returned with it.
    picked = np.take_along_axis(truth, np.maximum(indices, 0), axis=1)
    np.testing.assert_allclose(distances[~gone], picked[~gone], rtol=3e-5)


@pytest.mark.parametrize("c", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("radius", [0.1, 0.9999])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_bounds_of_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, c: float, radius: float, k: int) -> None:
    rng = np.random.default_rng(k)
    queries, candidates = points(rng, 9, c, radius), points(rng, 10_007, c, radius)
    # The nearest ones, and so those that the highest bounds belong to, some of them twice.
    excluded = np.argsort(true_distances(queries, candidates, c), axis=1)[:, :50]
    excluded[:, 40:] = excluded[:, :10]
    excluded[0] = -1
    found = nearest(queries, candidates, c, k, excluded)
    monkeypatch.setattr(top_k, "_FEW", 1000)
    for got, wanted in zip(found, nearest(queries, candidates, c, k, excluded), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("loose", [False, True])
def test_all_proximities_are_computed_only_if_bounds_prove_nothing(
    monkeypatch: pytest.MonkeyPatch, loose: bool
) -> None:
    rng = np.random.default_rng(0)
    products = rng.normal(size=(9, 1000)).astype(np.float32)
    squared, factors = (np.sort(rng.random(1000).astype(np.float32)) for _ in range(2))
    if loose:  # within a block the factor changes by a lot
        squared, factors = 3 * squared, 100 * factors**8
    else:
        squared, factors = 0.001 * squared, 2.0 + 0.001 * factors
    expected = top_k.top_k(proximity(products, squared, factors), tf.constant(1))
    passed = []
    whole = top_k.top_k
    monkeypatch.setattr(top_k, "top_k", lambda scores, k: passed.append(scores.shape) or whole(scores, k))
    found = top_k.top_k_by_proximity(products, squared, factors, tf.constant(1))
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert passed == [(9, 1000)] * loose


def test_equal_points_fill_the_answer() -> None:
    candidates = np.repeat(points(np.random.default_rng(0), 1, 1.0, 0.9), 2000, axis=0)
    indices, distances = nearest(candidates[:2], candidates, 1.0, 3)
    assert (distances == 0).all()
    assert indices.shape == (2, 3)


def test_pairs_and_whole_queries_are_excluded_together() -> None:
    rng = np.random.default_rng(0)
    queries, candidates = points(rng, 3, 1.0, 0.9), points(rng, 9000, 1.0, 0.9)
    curvature = tf.constant(1.0)
    first = nearest(queries, candidates, 1.0, 6)[0]
    exclusion = exclude_all(
        exclude_matrix(first[:, :2]),
        exclude_pairs([1, 1], first[1, 2:4]),
        exclude_queries(tf.constant([True, False, False])),
    )
    found = nearest_in_index(queries, ExactIndex.of(candidates, curvature), curvature, 2, exclusion)[0].numpy()
    assert found.tolist() == [[-1, -1], first[1, 4:6].tolist(), first[2, 2:4].tolist()]


def test_candidates_to_choose_from_stay_beside_other_exclusions() -> None:
    kept = tf.constant([[2, 0], [1, -1]])
    exclusion = exclude_all(None, exclude_pairs([0], [2]), exclude_others(kept))
    assert exclusion is not None
    np.testing.assert_array_equal(exclusion.kept, kept)
    with pytest.raises(ValueError, match="`exclusions` must have one list of candidates to keep at most"):
        exclude_all(exclude_others(kept), exclude_others(kept))


def test_the_order_is_that_of_the_sort() -> None:
    rng = np.random.default_rng(0)
    queries, candidates = points(rng, 50, 1.0, 0.99), points(rng, 300, 1.0, 0.99)
    expected = np.argsort(true_distances(queries, candidates, 1.0), axis=1)[:, :10]
    np.testing.assert_array_equal(nearest(queries, candidates, 1.0, 10)[0], expected)


def test_everything_excluded() -> None:
    candidates = points(np.random.default_rng(0), 4, 1.0, 0.5)
    indices, distances = nearest(np.zeros((2, DIM), np.float32), candidates, 1.0, 3, np.array([[0, 1, 2, 3]] * 2))
    assert (indices == -1).all()
    assert np.isinf(distances).all()


@pytest.mark.parametrize("padding", [np.full((2, 3), -1), np.zeros((2, 0), np.int32)])
def test_padding_excludes_nothing(padding: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    queries, candidates = points(rng, 2, 1.0, 0.5), points(rng, 6, 1.0, 0.5)
    for got, expected in zip(
        nearest(queries, candidates, 1.0, 4, padding), nearest(queries, candidates, 1.0, 4), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def test_an_exclusion_may_repeat_and_belongs_to_its_query() -> None:
    candidates = np.array([[0.1], [0.2], [0.3]], np.float32)
    indices, _ = nearest(np.zeros((2, 1), np.float32), candidates, 1.0, 2, np.array([[0, 0, -1], [1, -1, 1]]))
    assert indices.tolist() == [[1, 2], [0, 2]]


def test_equal_distances_come_in_the_order_of_the_catalogue() -> None:
    rng = np.random.default_rng(0)
    candidates = np.repeat(points(rng, 3, 1.0, 0.9), 4, axis=0)
    queries = points(rng, 5, 1.0, 0.9)
    groups = np.argsort(true_distances(queries, candidates[::4], 1.0), axis=1)
    expected = (groups[:, :, None] * 4 + np.arange(4)).reshape(5, 12)
    for k in (1, 5, 12):
        np.testing.assert_array_equal(nearest(queries, candidates, 1.0, k)[0], expected[:, :k])


def test_a_candidate_at_the_query_is_at_distance_0() -> None:
    candidates = points(np.random.default_rng(0), 30, 1.0, 0.9999)
    indices, distances = nearest(candidates, candidates, 1.0, 1)
    assert indices[:, 0].tolist() == list(range(30))
    assert (distances == 0).all()


def test_float64() -> None:
    rng = np.random.default_rng(0)
    # A crowd near the boundary, where float32 products have no digit left.
    centre = points(rng, 1, 1.0, 1.0) / np.linalg.norm(points(rng, 1, 1.0, 1.0))
    crowd = centre + 1e-4 * rng.normal(size=(400, DIM))
    crowd *= rng.uniform(0.999, 0.9999, (400, 1)) / np.linalg.norm(crowd, axis=1, keepdims=True)
    truth = true_distances(crowd[:9], crowd, 1.0)
    indices, distances = nearest(crowd[:9], crowd, 1.0, 10)
    np.testing.assert_array_equal(indices, np.argsort(truth, axis=1)[:, :10])
    np.testing.assert_allclose(distances, np.sort(truth, axis=1)[:, :10], rtol=1e-9, atol=1e-12)


def test_a_crowd_within_the_documented_radius() -> None:
    rng = np.random.default_rng(0)
    centre = rng.normal(size=DIM)
    crowd = centre / np.linalg.norm(centre) + 1e-3 * rng.normal(size=(400, DIM))
    crowd = (crowd * rng.uniform(0.99, 0.9993, (400, 1)) / np.linalg.norm(crowd, axis=1, keepdims=True)).astype(
        np.float32
    )
    truth = np.sort(true_distances(crowd[:9], crowd, 1.0), axis=1)[:, :10]
    np.testing.assert_allclose(nearest(crowd[:9], crowd, 1.0, 10)[1], truth, rtol=1e-4)


@pytest.mark.slow
def test_in_a_graph_with_an_unknown_batch() -> None:
    rng = np.random.default_rng(0)
    queries, candidates = points(rng, 4, 1.0, 0.9), points(rng, 20, 1.0, 0.9)
    index = ExactIndex.of(candidates, 1.0)

    @tf.function(input_signature=[tf.TensorSpec([None, DIM]), tf.TensorSpec([None, None], tf.int32)])
    def search_in_graph(x: tf.Tensor, excluded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return nearest_in_index(x, index, tf.constant(1.0), 5, exclude_matrix(excluded))

    excluded = rng.integers(-1, 20, size=(4, 3)).astype(np.int32)
    for got, expected in zip(
        search_in_graph(queries, excluded), nearest(queries, candidates, 1.0, 5, excluded), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert search_in_graph(queries[:0], excluded[:0])[0].shape == (0, 5)


@pytest.mark.parametrize("n", [1, 31, 32, 33, 640, 1000])
@pytest.mark.parametrize("k", [1, 5, 40, 1000])
@pytest.mark.parametrize("levels", [3, 10**6])  # with many equal scores, and with few
def test_top_is_that_of_a_sort(n: int, k: int, levels: int) -> None:
    rng = np.random.default_rng(n + k)
    scores = rng.integers(levels, size=(6, n)).astype(np.float32)
    scores[0] = np.finfo(np.float32).min  # all left out
    k = min(k, n)
    values, columns = top_k.top_k(tf.constant(scores), tf.constant(k))
    assert columns.dtype == tf.int32
    np.testing.assert_array_equal(values, -np.sort(-scores, axis=1)[:, :k])
    np.testing.assert_array_equal(np.take_along_axis(scores, columns.numpy(), axis=1), values)
    assert all(len(set(row)) == k for row in columns.numpy().tolist())


def test_top_of_an_empty_batch() -> None:
    values, rows = top_k.top_k(tf.zeros([0, 100]), tf.constant(7))
    assert values.shape == rows.shape == (0, 7)
