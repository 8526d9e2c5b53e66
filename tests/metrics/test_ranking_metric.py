"""`HitRate` and `NDCG` as Keras metrics."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.metrics import NDCG, HitRate

LABELS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
SCORES = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.5, 0.9, 0.5], [0.9, 0.5, 0.1]], np.float32)
# Ranks by hand: 0, 1, 2 (tied with the first), and the last row has nothing to find.
HITS_AT_2 = [1.0, 1.0, 0.0, 0.0]
GAINS_AT_2 = [1.0, 1 / np.log2(3), 0.0, 0.0]

cases = pytest.mark.parametrize(("cls", "values"), [(HitRate, HITS_AT_2), (NDCG, GAINS_AT_2)])


@cases
def test_mean_over_rows(cls: type, values: list[float]) -> None:
    metric = cls(k=2)
    metric.update_state(LABELS[:1], SCORES[:1])
    metric.update_state(LABELS[1:], SCORES[1:])
    assert float(metric.result()) == pytest.approx(np.mean(values))
    metric.reset_state()
    assert float(metric.result()) == 0.0


@cases
def test_sample_weights(cls: type, values: list[float]) -> None:
    weights = np.array([0.5, 2.0, 1.0, 0.0])
    metric = cls(k=2)
    metric.update_state(LABELS, SCORES, sample_weight=weights)
    assert float(metric.result()) == pytest.approx(np.average(values, weights=weights))


@cases
def test_compile_and_evaluate(cls: type, values: list[float]) -> None:
    model = tf.keras.Sequential([tf.keras.layers.Layer()])
    weighted = cls(k=2, name="weighted")
    model.compile(loss="mse", metrics=[cls(k=2)], weighted_metrics=[weighted])
    weights = np.array([1.0, 3.0, 1.0, 1.0])
    logs = model.evaluate(SCORES, LABELS, sample_weight=weights, batch_size=3, verbose=0, return_dict=True)
    assert logs[f"{cls.prefix}@2"] == pytest.approx(np.mean(values))
    assert logs["weighted"] == pytest.approx(np.average(values, weights=weights))


@cases
def test_a_saved_model_keeps_its_metrics(cls: type, values: list[float], tmp_path) -> None:
    model = tf.keras.Sequential([tf.keras.Input([3]), tf.keras.layers.Activation("linear")])
    model.compile(loss="mse", metrics=[cls(k=2)])
    model.save(tmp_path / "model.keras")
    restored = tf.keras.models.load_model(tmp_path / "model.keras")
    logs = restored.evaluate(SCORES, LABELS, verbose=0, return_dict=True)
    assert logs[f"{cls.prefix}@2"] == pytest.approx(np.mean(values))


@cases
def test_padding_counts_as_no_candidate(cls: type, values: list[float]) -> None:
    padding = [[-1, -1]] * len(LABELS)
    metric = cls(k=2)
    metric.update_state(
        np.concatenate([LABELS, padding], axis=1), np.concatenate([SCORES, [[9.0, np.nan]] * len(LABELS)], axis=1)
    )
    assert float(metric.result()) == pytest.approx(np.mean(values))


@cases
def test_nan_scores_never_win(cls: type, values: list[float]) -> None:
    metric = cls(k=1)
    metric.update_state([[1, 0], [0, 1]], [[np.nan, 0.0], [np.nan, 0.0]])
    assert float(metric.result()) == 0.0


@cases
def test_a_relevant_candidate_with_the_lowest_score_is_last(cls: type, values: list[float]) -> None:
    metric = cls(k=2)
    metric.update_state([[1, 0, 0]], [[-np.inf, 0.0, 1.0]])
    assert float(metric.result()) == 0.0


@cases
def test_half_precision_and_integer_labels(cls: type, values: list[float]) -> None:
    metric = cls(k=2)
    metric.update_state(tf.constant(LABELS, tf.int32), tf.constant(SCORES, tf.float16))
    assert float(metric.result()) == pytest.approx(np.mean(values), rel=1e-6)


@pytest.mark.parametrize("k", [0, -1, 1.5])
def test_k_must_be_a_positive_integer(k: float) -> None:
    with pytest.raises(ValueError, match=r"`k` must be a positive integer.*Received: k="):
        HitRate(k=k)
