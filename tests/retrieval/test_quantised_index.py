"""`QuantisedIndex`: what half precision and a byte per coordinate keep of points and of their order."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.retrieval import ExactIndex, QuantisedIndex
from hyperml_tf.retrieval.quantised_index import compare_with_exact, index_bytes


def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    made = rng.normal(size=(500, 64))
    made *= rng.uniform(0.5, 0.9999, size=(500, 1)) / np.linalg.norm(made, axis=1, keepdims=True)
    return made.astype(np.float32)


def test_bfloat16_is_coarser_than_float16() -> None:
    c = tf.constant(1.0)
    half, coarse = (QuantisedIndex.of(points(), c, precision) for precision in ("float16", "bfloat16"))
    reports = [compare_with_exact(index, tf.constant(points()), c) for index in (half, coarse)]
    assert reports[0]["overlap@10"] > 0.98
    assert reports[0]["overlap@10"] >= reports[1]["overlap@10"] > 0.9
    assert 0 < reports[0]["largest_distance_error"] < reports[1]["largest_distance_error"] < 0.1
    np.testing.assert_allclose(coarse.points(tf.range(coarse.n)), points(), atol=1e-4)
    assert index_bytes(half) == index_bytes(coarse) == reports[0]["bytes"]


def test_it_is_smaller_and_keeps_norms() -> None:
    index, exact = QuantisedIndex.of(points(), tf.constant(1.0)), ExactIndex.of(points(), tf.constant(1.0))
    assert index_bytes(index) < 0.78 * index_bytes(exact)
    np.testing.assert_allclose(index.points(tf.range(500)), points(), atol=1e-6)
    # Norms are kept exactly: they decide the distance near the boundary.
    np.testing.assert_allclose(
        tf.norm(index.points(tf.range(500)), axis=1), np.linalg.norm(points(), axis=1), rtol=3e-7
    )


def test_scores_are_computed_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    index, exact = QuantisedIndex.of(points(), tf.constant(1.0)), ExactIndex.of(points(), tf.constant(1.0))
    queries = np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)
    whole = index.scores(tf.constant(queries))
    monkeypatch.setattr("hyperml_tf.retrieval.chunks._NUMBERS", 70 * 64)
    np.testing.assert_allclose(index.scores(tf.constant(queries)), whole, rtol=1e-5)
    squared, factors = (np.asarray(part)[np.asarray(exact.place)] for part in (exact.squared_norms, exact.factors))
    expected = (points() @ queries.T - squared) * factors
    np.testing.assert_allclose(whole, expected, rtol=0.02, atol=0.02 * factors.max())


def test_the_precision_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"`precision` must be one of .*Received: precision='int8'"):
        QuantisedIndex.of(points(), tf.constant(1.0), "int8")  # type: ignore[arg-type]
