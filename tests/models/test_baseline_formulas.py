"""The baselines' negatives, and their losses, gradients and scores computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.models import baselines
from hyperml_tf.sampling import uniform_negatives


def tables(model: Any) -> list[np.ndarray]:
    return [variable.numpy().astype(np.float64) for variable in model.trainable_variables]


# Losses ----------------------------------------------------------------------------------------------------------


def has_seen(model: Any, items: list[int]) -> None:
    """Tells a model of one user which items they have seen."""
    model.seen.set(np.zeros(len(items), int), np.array(items))


@pytest.mark.parametrize("name", ["MFBPR", "CML", "LRML"])
def test_a_step_moves_only_the_rows_of_the_positive_and_the_negative(name: str) -> None:
    """Of four items the user has seen all but the third: it is the only negative there can be."""
    model = getattr(baselines, name)(["u"], list("abcd"), dim=2, negatives=3, initial_stddev=0.1)
    model.compile(tf.keras.optimizers.SGD(0.1), run_eagerly=True)
    has_seen(model, [0, 1, 3])
    before = model.candidate_tower.embeddings.numpy()
    model.train_step({"user": tf.constant([0]), "item": tf.constant([0])})
    moved = (model.candidate_tower.embeddings.numpy() != before).any(axis=1)
    assert moved.tolist() == [True, False, True, False]


# Formulas, by hand ------------------------------------------------------------------------------------------------


def one_triplet(name: str, **kwargs: Any) -> Any:
    """Two items, one of them seen: of the batch that holds the other, the negative is certain."""
    model = getattr(baselines, name)(["u"], ["a", "b"], dim=2, initial_stddev=0.3, **kwargs)
    has_seen(model, [0])
    return model


def loss_and_gradients(model: Any) -> tuple[float, list[np.ndarray]]:
    with tf.GradientTape() as tape:
        loss = model.compute_loss({"user": tf.constant([0]), "item": tf.constant([0])}, training=True)
    gradients = tape.gradient(loss, model.trainable_variables)
    return float(loss), [tf.convert_to_tensor(g).numpy() for g in gradients]


def test_mfbpr_loss_and_gradient() -> None:
    model = one_triplet("MFBPR", regularization=0.3)
    user, items = tables(model)
    p, (q_i, q_j), (b_i, b_j) = user[0], items[:, :2], items[:, 2]
    s = p @ q_i + b_i - p @ q_j - b_j
    squares = (p**2).sum() + (items**2).sum()
    loss, (user_gradient, item_gradient) = loss_and_gradients(model)
    assert loss == pytest.approx(np.log1p(np.exp(-s)) + 0.15 * squares, rel=1e-5)
    pull = -1 / (1 + np.exp(s))
    np.testing.assert_allclose(user_gradient[0], pull * (q_i - q_j) + 0.3 * p, rtol=1e-5)
    np.testing.assert_allclose(item_gradient[0], [*(pull * p + 0.3 * q_i), pull + 0.3 * b_i], rtol=1e-5)
    np.testing.assert_allclose(item_gradient[1], [*(-pull * p + 0.3 * q_j), -pull + 0.3 * b_j], rtol=1e-5)


def test_cml_loss_and_gradient() -> None:
    model = one_triplet("CML", margin=2.0, negatives=5)
    (x,), (y, z) = tables(model)
    hinge = 2.0 + ((x - y) ** 2).sum() - ((x - z) ** 2).sum()
    weight = np.log(1 + 2)  # all five draws violate the margin: floor(2 * 5 / 5)
    loss, (user_gradient, item_gradient) = loss_and_gradients(model)
    assert hinge > 0
    assert loss == pytest.approx(weight * hinge, rel=1e-5)
    np.testing.assert_allclose(user_gradient[0], weight * 2 * (z - y), rtol=1e-4)
    np.testing.assert_allclose(item_gradient, weight * 2 * np.array([y - x, x - z]), rtol=1e-4)


def test_cml_takes_the_nearest_negative_and_counts_imposters() -> None:
    model = baselines.CML(["u"], list("abcd"), dim=1, margin=0.1, negatives=60)
    has_seen(model, [0])
    model.query_tower.embeddings.assign([[0.0]])
    model.candidate_tower.embeddings.assign([[0.5], [0.4], [0.55], [0.9]])
    users, items = tf.constant([0]), tf.constant([0])
    drawn, _ = uniform_negatives(users, 4, 60, model.seen, model._seed({}, True))
    imposters = np.isin(drawn.numpy(), [1, 2]).sum()  # .16 and .3025 are below .25 + .1, .81 is not
    weight = np.log(1 + np.floor(4 * imposters / 60))
    loss = model.compute_loss({"user": users, "item": items}, training=True)
    assert float(loss) == pytest.approx(weight * (0.1 + 0.25 - 0.16), rel=1e-5)


def lrml_score(model: Any, p: np.ndarray, q: np.ndarray) -> float:
    """The formula, computed for one memory slot at a time."""
    keys, values = model.memory_keys.numpy(), model.memory_values.numpy()
    logits = [sum(p[d] * q[d] * key[d] for d in range(len(p))) for key in keys]
    weights = np.exp(logits) / np.exp(logits).sum()
    relation = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return -float(((p + relation - q) ** 2).sum())


def lrml_of_wide_spread() -> Any:
    return baselines.LRML(range(5), range(11), dim=3, memories=4, margin=1.5, negatives=3, initial_stddev=0.6, seed=1)


@pytest.mark.slow
def test_lrml_scores_are_those_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    model = lrml_of_wide_spread()
    users, items = model.query_tower.all_points().numpy(), model.candidate_tower.all_points().numpy()
    assert np.linalg.norm(items, axis=1).max() == pytest.approx(1)
    expected = [[lrml_score(model, p, q) for q in items] for p in [*users, np.zeros(3)]]
    codes = tf.constant([0, 1, 2, 3, 4, -1])
    for weights in (10**6, 100, 1):  # one block, some with a rest, one an item
        monkeypatch.setattr("hyperml_tf.models.baselines.lrml._WEIGHTS", weights)
        np.testing.assert_allclose(model.score_catalogue(codes), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tf.function(model.score_catalogue)(codes), expected, rtol=1e-4, atol=1e-5)


def test_lrml_loss() -> None:
    model = lrml_of_wide_spread()
    model.set_seen(Interactions.from_arrays([0, 1], [3, 4]))
    users, items = np.array([0, 1]), np.array([3, 4])
    drawn, _ = uniform_negatives(tf.constant(users), 11, 3, model.seen, model._seed({}, True))
    p, q = model.query_tower.all_points().numpy(), model.candidate_tower.all_points().numpy()
    expected = 0.0
    for user, item, negatives in zip(users, items, drawn.numpy(), strict=True):
        for negative in negatives:
            hinge = 1.5 - lrml_score(model, p[user], q[item]) + lrml_score(model, p[user], q[negative])
            expected += max(0.0, hinge) / 3
    got = model.compute_loss({"user": tf.constant(users), "item": tf.constant(items)}, training=True)
    assert float(got) == pytest.approx(expected, rel=1e-4)
