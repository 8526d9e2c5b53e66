"""The regularizer: its value, its gradient, and as the activity regularizer of a layer."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import layers
from hyperml_tf.geometry import poincare
from hyperml_tf.initializers import RadialUniform
from hyperml_tf.regularizers import RadiusRegularizer


@pytest.mark.parametrize("c", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("radius", [0.0, 1.5])
def test_value(c: float, radius: float) -> None:
    points = poincare.expmap0(RadialUniform(0.0, 3.0)((20, 3)), c)
    expected = 0.1 * np.sum((poincare.distance0(points, c).numpy().astype("float64") - radius) ** 2)
    assert float(RadiusRegularizer(0.1, radius, c)(points)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("radius", [0.0, 1.5])
def test_gradient_at_the_origin_and_at_the_boundary(radius: float) -> None:
    points = poincare.project([[0.0, 0.0], [5.0, 0.0]], 1.0)
    with tf.GradientTape() as tape:
        tape.watch(points)
        value = RadiusRegularizer(0.1, radius)(points)
    gradient = tape.gradient(value, points).numpy()
    assert np.isfinite(gradient).all()
    assert gradient[0].tolist() == [0.0, 0.0]
    assert gradient[1, 0] > 0


@pytest.mark.slow
def test_draws_the_outputs_of_a_layer_to_the_radius() -> None:
    layer = layers.HyperbolicEmbedding(6, 3, activity_regularizer=RadiusRegularizer(1.0, radius=2.0))
    model = tf.keras.Sequential([layer])
    model.compile(tf.keras.optimizers.Adam(0.05), None)
    model.fit(tf.range(6), tf.zeros([6]), epochs=60, verbose=0)
    np.testing.assert_allclose(poincare.distance0(layer(tf.range(6)), 1.0), 2.0, atol=0.1)


@pytest.mark.parametrize("name", ["strength", "radius", "curvature"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_invalid_arguments_of_the_regularizer(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"`{name}` must be .*Received"):
        RadiusRegularizer(**{name: value})
