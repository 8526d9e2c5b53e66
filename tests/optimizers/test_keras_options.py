"""The options of Keras optimizers: clipping, schedules, weight decay, moving averages and mixed precision."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import EACH, OPTIMIZERS, apply_sparse, gradients, table
from points_model import FEED, model_of_points

from hyperml_tf.ball_variables import mark_on_ball
from hyperml_tf.optimizers import RiemannianAdam, RiemannianSGD


@EACH
@pytest.mark.parametrize("clip", [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.2}])
def test_clipping_acts_on_the_summed_euclidean_gradient(name: str, clip: dict[str, float]) -> None:
    dense, sparse, by_hand = table(), table(), table()
    values = gradients(0, 3)
    full = np.zeros((6, 3), np.float32)
    np.add.at(full, [2, 5, 2], values)
    clipped = np.clip(full, -0.2, 0.2) if "clipvalue" in clip else full * 0.5 / np.linalg.norm(full)
    OPTIMIZERS[name](**clip).apply_gradients([(tf.constant(full), dense)])
    apply_sparse(OPTIMIZERS[name](**clip), sparse, [2, 5, 2], values)
    OPTIMIZERS[name]().apply_gradients([(tf.constant(clipped), by_hand)])
    np.testing.assert_allclose(sparse, by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dense, by_hand, rtol=1e-5, atol=1e-6)


@EACH
def test_a_schedule_sets_the_rate_of_each_step(name: str) -> None:
    schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.0])
    points = table()
    optimizer = OPTIMIZERS[name](learning_rate=schedule)
    before = points.numpy()
    apply_sparse(optimizer, points, [0], gradients(0, 1))
    after = points.numpy()
    assert not np.array_equal(after[0], before[0])
    if name != "momentum":  # momentum keeps the points moving
        apply_sparse(optimizer, points, [0], gradients(1, 1))
        np.testing.assert_allclose(points, after, atol=1e-7)


def test_weight_decay_is_refused_on_the_ball_only() -> None:
    points, flat = table(), table(c=None)
    with pytest.raises(ValueError, match="`weight_decay`"):
        RiemannianAdam(weight_decay=0.1).build([flat, points])
    RiemannianAdam(weight_decay=0.0).build([points])
    excluding = RiemannianAdam(weight_decay=0.1)
    excluding.exclude_from_weight_decay([points])
    before = points.numpy()
    excluding.apply_gradients([(tf.zeros([6, 3]), flat), (tf.zeros([6, 3]), points)])
    np.testing.assert_allclose(points, before, atol=1e-7)
    assert np.linalg.norm(flat) < np.linalg.norm(before)


def test_half_precision_points_are_refused() -> None:
    points = tf.Variable(np.zeros((2, 3), np.float16))
    RiemannianAdam().build([points])
    mark_on_ball(points, 1.0)
    with pytest.raises(ValueError, match=r"float32 or float64.*float16"):
        RiemannianAdam().build([points])


def test_moving_averages_work() -> None:
    points = table()
    optimizer = RiemannianSGD(0.5, use_ema=True, ema_momentum=0.5)
    before = points.numpy()
    apply_sparse(optimizer, points, [0], gradients(0, 1))
    after = points.numpy()
    optimizer.finalize_variable_values([points])
    np.testing.assert_allclose(points, (before + after) / 2, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["momentum", "adagrad", "adam"])
def test_mixed_precision_with_loss_scaling_trains_like_float32(name: str) -> None:
    expected = model_of_points(OPTIMIZERS[name]())
    expected.fit(*FEED, epochs=3, verbose=0, shuffle=False)
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = model_of_points(OPTIMIZERS[name]())
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    model.fit(*FEED, epochs=3, verbose=0, shuffle=False)
    assert isinstance(model.optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
    assert model.layers[0].points.dtype == tf.float32
    np.testing.assert_allclose(model.get_weights()[0], expected.get_weights()[0], atol=2e-2)
    rows = [tuple(v.shape) for v in model.optimizer.variables if v.shape.rank == 2]
    assert rows == {"momentum": [(20, 4)], "adagrad": [(20, 1)], "adam": [(20, 4), (20, 1)]}[name]
