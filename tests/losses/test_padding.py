"""Whatever is in padding changes neither a loss nor its gradient; a NaN elsewhere is not hidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.losses import DistortionLoss, HyperMLLoss, PullPushLoss, distortion

BAD = (np.nan, np.inf, -np.inf)
LABELS = np.array([[1, 0, 0, -1], [1, 1, 0, -1]], np.float32)
DISTANCES = np.array([[1.0, 2.0, 3.5, 0.0], [2.0, 1.0, 1.5, 0.0]], np.float32)

LOSSES = {
    "PullPushLoss": (PullPushLoss(1.0), lambda d: d),
    "PullPushLoss, squared": (PullPushLoss(1.0, squared=True), lambda d: d),
    "HyperMLLoss": (HyperMLLoss(1.0), lambda d: tf.stack([d, 0.4 * d], axis=-1)),
}


def loss_and_gradient(name: str, labels: Any, distances: Any) -> tuple[Any, Any]:
    loss, inputs = LOSSES[name]
    distances = tf.constant(distances)
    with tf.GradientTape() as tape:
        tape.watch(distances)
        value = loss(labels, inputs(distances))
    return value.numpy(), tape.gradient(value, distances).numpy()


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("padding", [-1.0, np.nan, 2.0])
@pytest.mark.parametrize("name", LOSSES)
def test_padding_counts_for_nothing(name: str, padding: float, bad: float) -> None:
    labels = np.where(LABELS == -1, np.float32(padding), LABELS)
    for rows in (slice(0, 1), slice(None)):  # one observed candidate per sample, and several
        expected, gradient = loss_and_gradient(name, LABELS[rows], DISTANCES[rows])
        value, with_bad = loss_and_gradient(
            name, labels[rows], np.where(LABELS == -1, np.float32(bad), DISTANCES)[rows]
        )
        assert value == expected
        np.testing.assert_array_equal(with_bad, gradient)
        assert (with_bad[:, -1] == 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_nan_of_a_candidate_is_a_nan_of_the_loss(name: str) -> None:
    for column in (0, 1):
        distances = DISTANCES.copy()
        distances[0, column] = np.nan
        assert np.isnan(loss_and_gradient(name, LABELS, distances)[0])


@pytest.mark.parametrize("bad", BAD)
def test_a_pair_at_distance_0_has_no_distortion_whatever_its_prediction(bad: float) -> None:
    predicted = tf.constant([[3.0, bad]])
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        loss = DistortionLoss()([[1.0, 0.0]], predicted)
    assert float(loss) == 0.25
    np.testing.assert_array_equal(tape.gradient(loss, predicted), [[0.25, 0.0]])


def test_a_nan_reference_is_a_nan_distortion() -> None:
    assert np.isnan(distortion(1.0, np.nan))
    assert np.isnan(DistortionLoss()([[1.0, np.nan]], [[3.0, 1.0]]))
