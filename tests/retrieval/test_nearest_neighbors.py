"""The layer `NearestNeighbors`: filled like TFRS `BruteForce`, compared with a sort, and the same after saving."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.retrieval import NearestNeighbors

N, DIM = 60, 4
IDS: dict[str, Any] = {
    "strings": [f"id {i}" for i in range(N)],
    "integers": list(range(100, 100 + N)),
    "none": None,
}


def points(n: int, c: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n, DIM))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return (directions * 0.95 * rng.random((n, 1)) / np.sqrt(c or 1.0)).astype(np.float32)


def layer_of(ids: Any, c: float = 1.0, **kwargs: Any) -> NearestNeighbors:
    return NearestNeighbors(**{"k": 5, "curvature": c, **kwargs}).index(points(N, c), ids)


def names(ids: Any) -> np.ndarray:
    values = list(range(N)) if ids is None else ids
    return np.array([v.encode() if isinstance(v, str) else v for v in values])


@pytest.mark.parametrize(("kind", "c", "k", "batch"), list(itertools.product(IDS, (0.0, 0.5, 1.0), (1, 100), (1, 7))))
def test_equals_a_sort(kind: str, c: float, k: int, batch: int) -> None:
    layer, queries = layer_of(IDS[kind], c), points(batch, c, seed=1)
    distances, identifiers = layer(queries, k=k)
    truth = poincare.pairwise_distance(queries, points(N, c), c).numpy()
    order = np.argsort(truth, axis=1, kind="stable")[:, :k]
    assert distances.shape == identifiers.shape == (batch, min(k, N))
    np.testing.assert_allclose(distances, np.take_along_axis(truth, order, 1), rtol=1e-5)
    np.testing.assert_array_equal(identifiers, names(IDS[kind])[order])


@pytest.mark.parametrize("kind", ["strings", "integers"])
def test_exclusions(kind: str) -> None:
    layer, queries = layer_of(IDS[kind]), points(2, 1.0, seed=1)
    ids = IDS[kind]
    _, whole = layer(queries, k=N)
    first = whole.numpy()[:, :3]
    _, rest = layer.query_with_exclusions(queries, first, k=4)
    np.testing.assert_array_equal(rest, whole.numpy()[:, 3:7])
    everything = tf.constant([ids[1:], ids[:-1]])
    distances, left = layer.query_with_exclusions(queries, everything, k=2)
    empty = b"" if kind == "strings" else -1
    assert left[:, 0].numpy().tolist() == [names(ids)[0], names(ids)[-1]]
    assert left[:, 1].numpy().tolist() == [empty, empty]
    assert np.isinf(distances[:, 1]).all()
    unknown = tf.constant([["?"], ["?"]]) if kind == "strings" else tf.constant([[-7], [-7]])
    np.testing.assert_array_equal(layer.query_with_exclusions(queries, unknown)[1], layer(queries)[1])


def test_from_a_dataset() -> None:
    made = tf.data.Dataset.from_tensor_slices(points(N, 1.0)).batch(7)
    ids = tf.data.Dataset.from_tensor_slices(IDS["strings"]).batch(7)
    queries = points(3, 1.0, seed=1)
    for layer, expected in (
        (NearestNeighbors(5).index_from_dataset(made), layer_of(None)),
        (NearestNeighbors(5).index_from_dataset(tf.data.Dataset.zip((ids, made))), layer_of(IDS["strings"])),
    ):
        for one, other in zip(layer(queries), expected(queries), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_saved_with_a_keras_model(kind: str, precision: str, tmp_path: Path) -> None:
    inputs = tf.keras.Input([DIM])
    model = tf.keras.Model(inputs, layer_of(IDS[kind], precision=precision)(inputs))
    queries = points(3, 1.0, seed=1)
    expected = model(queries)
    model.save(tmp_path / "model.keras")
    restored = tf.keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(restored(queries), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("kind", IDS)
def test_exported_as_a_saved_model(kind: str, tmp_path: Path) -> None:
    layer, queries = layer_of(IDS[kind]), points(3, 1.0, seed=1)
    module = tf.Module()
    module.layer = layer
    module.search = tf.function(layer.call, input_signature=[tf.TensorSpec([None, DIM])])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for one, other in zip(loaded.search(queries), layer(queries), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_query_model() -> None:
    embedding = tf.keras.layers.Embedding(3, DIM, weights=[points(3, 1.0, seed=1)])
    layer = layer_of(None, query_model=embedding)
    np.testing.assert_array_equal(layer(tf.constant([2, 0]))[1], layer_of(None)(points(3, 1.0, seed=1)[[2, 0]])[1])


def test_quantised_answers_are_near_exact_ones() -> None:
    queries = points(20, 1.0, seed=1)
    np.testing.assert_allclose(layer_of(None, precision="float16")(queries)[0], layer_of(None)(queries)[0], rtol=1e-3)


def broken(value: float) -> np.ndarray:
    made = points(N, 1.0)
    made[7, 1] = value
    return made


@pytest.mark.parametrize(
    ("arguments", "candidates", "ids", "message"),
    [
        ({"k": 0}, points(N, 1.0), None, "`k` must be at least 1. Received: k=0"),
        ({"curvature": -1.0}, points(N, 1.0), None, "`curvature` must be a finite number >= 0"),
        ({"precision": "int4"}, points(N, 1.0), None, "`precision` must be one of"),
        ({}, points(N, 1.0)[0], None, r"`candidates` must be points, \(n, dim\). Received: shape \(4,\)"),
        ({}, broken(np.nan), IDS["strings"], "`candidates` must be finite. Received: row 7, of 'id 7', holds nan"),
        ({}, broken(1.5), None, "`candidates` must lie in the ball of curvature 1.0.*row 7, of 7, with norm"),
        ({}, points(N, 1.0), ["a"] * N, "`ids` must be distinct"),
        ({}, points(N, 1.0), ["a"], "`identifiers` must have one entry per candidate, 60. Received: 1"),
    ],
)
def test_invalid_candidates(arguments: Any, candidates: Any, ids: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NearestNeighbors(**arguments).index(candidates, ids)


def test_points_at_the_largest_radius_are_candidates() -> None:
    far = poincare.project(1e3 * points(N, 1.0), 1.0).numpy()
    distances, identifiers = NearestNeighbors(k=1).index(far)(far)
    np.testing.assert_array_equal(identifiers[:, 0], np.arange(N))
    np.testing.assert_array_equal(distances, np.zeros((N, 1)))


def test_wrong_calls() -> None:
    with pytest.raises(ValueError, match="has no candidates yet: call `index`"):
        NearestNeighbors()(points(1, 1.0))
    with pytest.raises(ValueError, match=r"`queries` must be points, \(batch, 4\). Received: shape \(1, 3\)"):
        layer_of(None)(points(1, 1.0)[:, :3])
    with pytest.raises(ValueError, match="`k` must be at least 1"):
        layer_of(None)(points(1, 1.0), k=0)
    with pytest.raises(ValueError, match="Received: an empty dataset"):
        NearestNeighbors().index_from_dataset(tf.data.Dataset.from_tensor_slices(points(N, 1.0)).batch(9).take(0))
