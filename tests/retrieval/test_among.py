"""Search among given candidates, against a sort of their distances in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from retrieval_cases import DIM, points, true_distances

from hyperml_tf.retrieval import ExactIndex, QuantisedIndex, among, nearest_among
from hyperml_tf.retrieval.exclusions import matrix_pairs, without_pairs

N = 300


@pytest.fixture(params=["gathered", "whole"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to find candidates: reading their points, and a search of the catalogue."""
    monkeypatch.setattr(among, "_ROWS_PER_CANDIDATE", 0 if request.param == "gathered" else N + 1)
    return request.param


@pytest.mark.parametrize(("c", "m", "k"), [*itertools.product((0.0, 1.0), (0, 4, 90, 700), (1, 10, N + 1))])
def test_equals_a_sort(way: str, c: float, m: int, k: int) -> None:
    """With unordered and repeated candidates and padding, and more of them than there are items."""
    rng = np.random.default_rng(m + k)
    queries, catalogue = points(rng, 9, c, 0.9), points(rng, N, c, 0.9)
    candidates = rng.integers(-1, N, size=(9, m)).astype(np.int32)
    curvature = tf.constant(c, tf.float32)
    indices, distances = nearest_among(queries, candidates, ExactIndex.of(catalogue, curvature), curvature, k)
    truth = true_distances(queries, catalogue, c)
    for row, (own, found) in enumerate(zip(candidates, indices.numpy(), strict=True)):
        allowed = np.unique(own[own >= 0])
        expected = allowed[np.argsort(truth[row, allowed], kind="stable")][:k]
        padding = min(k, N) - len(expected)
        assert found.tolist() == [*expected.tolist(), *[-1] * padding]
        np.testing.assert_allclose(
            distances[row], [*truth[row, expected].tolist(), *[np.inf] * padding], rtol=3e-5, atol=1e-6
        )


def test_ties_are_in_the_order_of_the_catalogue(way: str) -> None:
    catalogue = np.repeat(points(np.random.default_rng(0), 1, 1.0, 0.9), N, axis=0)
    index, c = ExactIndex.of(catalogue, tf.constant(1.0)), tf.constant(1.0)
    indices, _ = nearest_among(catalogue[:1], tf.constant([[9, 4, 7, 4, 200]]), index, c, 3)
    assert indices.numpy().tolist() == [[4, 7, 9]]


def test_a_quantised_index(way: str) -> None:
    rng = np.random.default_rng(0)
    catalogue, c = points(rng, N, 1.0, 0.9), tf.constant(1.0)
    candidates = np.stack([rng.permutation(N)[:40] for _ in range(9)])
    exact, half = (
        nearest_among(catalogue[:9], candidates, kind.of(catalogue, c), c, 10) for kind in (ExactIndex, QuantisedIndex)
    )
    np.testing.assert_array_equal(half[0], exact[0])
    np.testing.assert_allclose(half[1], exact[1], rtol=1e-4, atol=1e-4)


def test_large_batches_are_searched_in_parts(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    catalogue, c = points(rng, N, 1.0, 0.9), tf.constant(1.0)
    candidates, index = rng.integers(-1, N, size=(23, 8)), ExactIndex.of(catalogue, c)
    expected = nearest_among(catalogue[:23], candidates, index, c, 5)
    monkeypatch.setattr("hyperml_tf.retrieval.chunks._NUMBERS", 5 * (8 * DIM if way == "gathered" else N))
    for size in (0, 5, 6, 23):
        got = nearest_among(catalogue[:size], candidates[:size], index, c, 5)
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other[:size])


def test_in_a_graph_with_sizes_that_are_not_known(way: str) -> None:
    rng = np.random.default_rng(0)
    catalogue, c = points(rng, N, 1.0, 0.9), tf.constant(1.0)
    index = ExactIndex.of(catalogue, c)
    specs = [tf.TensorSpec([None, DIM]), tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int32)]
    search = tf.function(lambda queries, among, k: nearest_among(queries, among, index, c, k), input_signature=specs)
    for m, k in ((0, 2), (3, 5), (50, 5)):
        candidates = tf.constant(rng.integers(-1, N, size=(4, m)), tf.int32)
        got, expected = search(catalogue[:4], candidates, k), nearest_among(catalogue[:4], candidates, index, c, k)
        np.testing.assert_array_equal(got[0], expected[0])


def test_pairs_are_taken_out_of_lists() -> None:
    rng = np.random.default_rng(0)
    candidates, excluded = rng.integers(-1, 30, size=(7, 12)), rng.integers(-1, 30, size=(7, 9))
    got = without_pairs(tf.constant(candidates, tf.int32), *matrix_pairs(tf.constant(excluded, tf.int32)))
    expected = [[-1 if one in gone else one for one in own] for own, gone in zip(candidates, excluded, strict=True)]
    assert got.numpy().tolist() == expected
    nothing = tf.constant([], tf.int32)
    assert without_pairs(tf.constant([[2, -1]]), nothing, nothing).numpy().tolist() == [[2, -1]]
