"""`BallConstraint` projects values, and keeps a variable inside the ball under an optimizer of Keras."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import layers, numerics
from hyperml_tf.constraints import BallConstraint
from hyperml_tf.geometry import poincare


@pytest.mark.parametrize("c", [0.0, 0.5, 4.0])
def test_projects_each_point(c: float) -> None:
    points = tf.random.normal([20, 3], stddev=2.0)
    np.testing.assert_array_equal(BallConstraint(c)(points), poincare.project(points, c))


def test_keeps_the_dtype() -> None:
    assert BallConstraint()(tf.ones([2, 3], tf.float16)).dtype == tf.float16


@pytest.mark.slow
def test_keeps_a_bias_inside_the_ball_under_any_optimizer() -> None:
    layer = layers.MobiusDense(2, bias_constraint=BallConstraint())
    model = tf.keras.Sequential([layer, layers.LogMap()])
    model.compile(tf.keras.optimizers.SGD(1e4), "mse")
    model.fit(tf.zeros([4, 3]), tf.fill([4, 2], 5.0), epochs=1, verbose=0)
    norm = float(tf.norm(layer.bias))
    assert norm == pytest.approx(numerics.ball_limit(tf.float32), rel=1e-6)


@pytest.mark.parametrize("c", [-1.0, float("nan"), float("inf")])
def test_invalid_curvature(c: float) -> None:
    with pytest.raises(ValueError, match=r"`curvature` must be .*Received"):
        BallConstraint(c)
