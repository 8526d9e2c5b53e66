"""The losses against numpy, and as Keras losses: reductions, weights, ranks, dtypes, gradients, compile and fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from quick import examples

from hyperml_tf import losses
from hyperml_tf.geometry import poincare
from hyperml_tf.layers import HyperbolicDistance, HyperbolicEmbedding

RNG = np.random.default_rng(0)
LABELS = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
MANY = np.array([[1, 0, 1, 0], [0, 1, -1, 1], [1, 1, 1, 1]])
DISTANCES = RNG.uniform(0.0, 4.0, (3, 4)).astype("float32")
TANGENT = RNG.uniform(0.1, 2.0, (3, 4)).astype("float32")


def expected_pull_push(labels: np.ndarray, distances: np.ndarray, margin: float) -> np.ndarray:
    rows = []
    for label, d in zip(labels, distances.astype("float64"), strict=True):
        observed, unobserved = d[label == 1], d[label == 0]
        rows.append(sum(max(0.0, margin + p**2 - q**2) for p in observed for q in unobserved))
    return np.array(rows)


def expected_distortion(distances: np.ndarray, tangent: np.ndarray, factor: float) -> np.ndarray:
    reference = factor * tangent.astype("float64")
    return np.abs(distances - reference) / reference


def per_row(loss_class: type, *args: Any, **kwargs: Any) -> np.ndarray:
    return loss_class(reduction="none", **kwargs)(*args).numpy()


@pytest.mark.parametrize("labels", [LABELS, MANY, np.ones_like(LABELS)], ids=["one", "many", "all"])
@pytest.mark.parametrize("margin", [0.0, 1.0, 16.0])
def test_pull_push_values(labels: np.ndarray, margin: float) -> None:
    expected = expected_pull_push(labels, DISTANCES, margin)
    np.testing.assert_allclose(per_row(losses.PullPushLoss, labels, DISTANCES, margin=margin), expected, rtol=1e-5)
    squared = per_row(losses.PullPushLoss, labels.astype("float32"), DISTANCES**2, margin=margin, squared=True)
    np.testing.assert_allclose(squared, expected, rtol=1e-5)


@settings(max_examples=examples(25))
@given(st.data())
def test_pull_push_does_not_depend_on_order_or_padding(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    labels = np.array([data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))])
    distances = np.array([data.draw(st.lists(st.floats(0, 5, width=32), min_size=n, max_size=n))], "float32")
    order = data.draw(st.permutations(range(n)))
    value = per_row(losses.PullPushLoss, labels, distances)
    np.testing.assert_allclose(value, expected_pull_push(labels, distances, 16.0), rtol=1e-4)
    np.testing.assert_allclose(per_row(losses.PullPushLoss, labels[:, order], distances[:, order]), value, rtol=1e-5)
    padded = np.pad(labels, [(0, 0), (0, 2)], constant_values=-1), np.pad(distances, [(0, 0), (0, 2)])
    np.testing.assert_allclose(per_row(losses.PullPushLoss, *padded), value, rtol=1e-5)


@pytest.mark.parametrize(("reference", "factor"), [("conformal", 2.0), ("tangent", 1.0)])
def test_distortion_values(reference: str, factor: float) -> None:
    expected = expected_distortion(DISTANCES, TANGENT, factor)
    value = per_row(losses.DistortionLoss, TANGENT, DISTANCES, reference=reference)
    np.testing.assert_allclose(value, expected.mean(axis=-1), rtol=1e-5)


@pytest.mark.parametrize(("reference", "floor"), [("conformal", 0.0), ("tangent", 1.0)])
def test_distortion_floor(reference: str, floor: float) -> None:
    """What the docstrings claim: the distortion of every pair is at least the floor, and small vectors reach it."""
    for scale in (1e-3, 0.5, 1.0):
        u, v = tf.random.normal([2, 200, 1, 8], stddev=scale)
        tangent = tf.norm(u - v, axis=-1)
        distance = poincare.distance(poincare.expmap0(u, 1.0), poincare.expmap0(v, 1.0), 1.0)
        value = per_row(losses.DistortionLoss, tangent, distance, reference=reference)
        assert (value >= floor - 1e-6).all()
        assert scale > 1e-3 or value.max() < floor + 1e-4


@pytest.mark.parametrize("labels", [LABELS, MANY], ids=["one", "many"])
@pytest.mark.parametrize(("reference", "factor"), [("conformal", 2.0), ("tangent", 1.0)])
def test_hyperml_values(labels: np.ndarray, reference: str, factor: float) -> None:
    distortions = np.where(labels >= 0, expected_distortion(DISTANCES, TANGENT, factor), 0.0).sum(axis=-1)
    expected = expected_pull_push(labels, DISTANCES, 2.0) + 0.5 * distortions
    stacked = np.stack([DISTANCES, TANGENT], axis=-1)
    options = {"margin": 2.0, "distortion_weight": 0.5, "reference": reference}
    np.testing.assert_allclose(per_row(losses.HyperMLLoss, labels, stacked, **options), expected, rtol=1e-5)


CASES = [
    (losses.PullPushLoss, {}, LABELS.astype("float32"), DISTANCES),
    (losses.PullPushLoss, {"squared": True}, MANY.astype("float32"), DISTANCES),
    (losses.DistortionLoss, {}, TANGENT, DISTANCES),
    (losses.HyperMLLoss, {}, LABELS.astype("float32"), np.stack([DISTANCES, TANGENT], axis=-1)),
]
every_loss = pytest.mark.parametrize(
    ("loss_class", "options", "y_true", "y_pred"), CASES, ids=lambda x: x.__name__ if isinstance(x, type) else ""
)


@every_loss
def test_reductions_and_weights(loss_class: type, options: dict[str, Any], y_true: Any, y_pred: Any) -> None:
    rows = loss_class(reduction="none", **options)(y_true, y_pred)
    assert rows.shape == (3,)
    assert rows.dtype == tf.float32
    weights = np.array([1.0, 0.0, 3.0], "float32")
    for weight in (None, 2.0, weights):
        weighted = rows * (1.0 if weight is None else weight)
        for reduction, reduce in (
            ("none", lambda x: x),
            ("sum", tf.reduce_sum),
            ("sum_over_batch_size", tf.reduce_mean),
            ("auto", tf.reduce_mean),
        ):
            value = loss_class(reduction=reduction, **options)(y_true, y_pred, sample_weight=weight)
            np.testing.assert_allclose(value, reduce(weighted), rtol=1e-6)


@pytest.mark.slow
@every_loss
def test_one_row_and_graph_mode(loss_class: type, options: dict[str, Any], y_true: Any, y_pred: Any) -> None:
    loss = loss_class(reduction="none", **options)
    rows = loss(y_true, y_pred)
    single = [loss(y_true[i : i + 1], y_pred[i : i + 1]).numpy()[0] for i in range(3)]
    np.testing.assert_allclose(rows, single, rtol=1e-6)
    unbatched = loss_class(reduction="sum", **options)(y_true[0], y_pred[0])
    np.testing.assert_allclose(unbatched, rows[0], rtol=1e-6)
    signature = [tf.TensorSpec([None, None]), tf.TensorSpec([None, None, *y_pred.shape[2:]])]
    np.testing.assert_allclose(tf.function(loss, input_signature=signature)(y_true, y_pred), rows, rtol=1e-6)


@every_loss
def test_dtypes(loss_class: type, options: dict[str, Any], y_true: Any, y_pred: Any) -> None:
    loss = loss_class(**options)
    for dtype, tolerance in (("float64", 1e-6), ("float16", 1e-2), ("bfloat16", 5e-2)):
        value = loss(tf.cast(y_true, dtype), tf.cast(y_pred, dtype))
        assert value.dtype == tf.float32
        np.testing.assert_allclose(value, loss(y_true, y_pred), rtol=tolerance)


@every_loss
@pytest.mark.parametrize("value", [0.0, 1e-30, 300.0])
def test_gradients_are_finite(
    loss_class: type, options: dict[str, Any], y_true: Any, y_pred: Any, value: float
) -> None:
    predictions, truths = tf.fill(y_pred.shape, value), tf.constant(y_true)
    if loss_class is losses.DistortionLoss:
        truths = tf.fill(y_true.shape, value)
    with tf.GradientTape() as tape:
        tape.watch([predictions, truths])
        loss = loss_class(**options)(truths, predictions)
    gradients = tape.gradient(loss, [predictions, truths], unconnected_gradients="zero")
    assert np.isfinite(loss)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_gradients_through_the_geometry_at_coincident_points() -> None:
    vectors = tf.Variable(tf.zeros([1, 3, 4]))
    with tf.GradientTape() as tape:
        points = poincare.expmap0(vectors, 1.0)
        distance = HyperbolicDistance()([points[:, :1], points])
        tangent = HyperbolicDistance(curvature=0.0)([vectors[:, :1], vectors]) / 2.0
        loss = losses.HyperMLLoss()(LABELS[:1, :3], tf.stack([distance, tangent], axis=-1))
    assert float(loss) == 32.0
    np.testing.assert_array_equal(tape.gradient(loss, vectors), np.zeros([1, 3, 4]))


@every_loss
def test_wrong_shapes(loss_class: type, options: dict[str, Any], y_true: Any, y_pred: Any) -> None:
    loss = loss_class(**options)
    for bad_true, bad_pred in ((y_true, y_pred[:, :2]), (y_true, y_pred[0]), (y_true[0, 0], y_pred[0, 0])):
        with pytest.raises(ValueError, match=r"`y_true` must have shape \(batch_size, n\).*Received"):
            loss(bad_true, bad_pred)


@pytest.mark.parametrize(
    ("loss_class", "options"),
    [
        (losses.PullPushLoss, {"margin": -1.0}),
        (losses.PullPushLoss, {"margin": float("nan")}),
        (losses.DistortionLoss, {"reference": "euclidean"}),
        (losses.HyperMLLoss, {"margin": float("inf")}),
        (losses.HyperMLLoss, {"distortion_weight": -0.1}),
        (losses.HyperMLLoss, {"reference": "paper"}),
    ],
)
def test_invalid_arguments_of_losses(loss_class: type, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"`{next(iter(options))}` must be .*Received"):
        loss_class(**options)


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "mask_zero"), [("float32", True), ("mixed_float16", False)])
def test_pull_push_trains_a_ranking_in_fit(policy: str, mask_zero: bool) -> None:
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        users, items = tf.keras.Input([1], dtype="int32"), tf.keras.Input([4], dtype="int32")
        user_points = HyperbolicEmbedding(8, 6)(users)
        item_points = HyperbolicEmbedding(10, 6, mask_zero=mask_zero)(items)
        model = tf.keras.Model([users, items], HyperbolicDistance()([user_points, item_points]))
        model.compile(tf.keras.optimizers.Adam(0.05), losses.PullPushLoss(margin=4.0))
        ids = [np.arange(8)[:, np.newaxis], RNG.permuted(np.tile(np.arange(1, 10), (8, 1)), axis=1)[:, :4]]
        labels = np.tile([1.0, 0.0, 0.0, -1.0], (8, 1))
        history = model.fit(ids, labels, epochs=30, verbose=0, sample_weight=np.ones(8))
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert history.history["loss"][0] == pytest.approx(8.0, rel=0.1)
    assert history.history["loss"][-1] < 0.5
    distances = model.predict(ids, verbose=0)
    assert (distances[:, 0] < distances[:, 1:3].min(axis=1)).all()


def test_functions_broadcast() -> None:
    assert losses.pull_push(tf.ones([3, 1]), tf.zeros([3, 4]), 2.0).numpy().tolist() == [[3.0] * 4] * 3
    assert losses.pull_push(np.float16(1.0), np.float16(0.0), 2.0).dtype == tf.float32
    assert losses.euclidean_reference(tf.constant(2.0), "tangent") == 2.0
    with pytest.raises(ValueError, match=r"`reference`.*Received"):
        losses.euclidean_reference(tf.constant(2.0), "other")


def test_candidates_are_along_the_last_axis() -> None:
    """However many axes come before it."""
    labels = np.array([[[1, 0, 0], [0, 1, 0]], [[1, 1, 0], [0, 0, 1]]], np.float32)
    squared = np.arange(12, dtype=np.float32).reshape(2, 2, 3) % 5
    got = losses.PullPushLoss(margin=2.0, reduction="none")(labels, squared)
    expected = losses.PullPushLoss(margin=2.0, reduction="none")(labels.reshape(4, 3), squared.reshape(4, 3))
    np.testing.assert_allclose(got, np.reshape(expected, (2, 2)))
    got = losses.DistortionLoss(reduction="none")(labels + 1, squared)
    expected = losses.DistortionLoss(reduction="none")(labels.reshape(4, 3) + 1, squared.reshape(4, 3))
    np.testing.assert_allclose(got, np.reshape(expected, (2, 2)))
    both = np.stack([squared, 1 + squared], axis=-1)
    got = losses.HyperMLLoss(margin=2.0, distortion_weight=0.5, reduction="none")(labels, both)
    flat = losses.HyperMLLoss(margin=2.0, distortion_weight=0.5, reduction="none")
    np.testing.assert_allclose(got, np.reshape(flat(labels.reshape(4, 3), both.reshape(4, 3, 2)), (2, 2)), rtol=1e-6)
