"""Initializers: radii, directions, seeds, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.initializers import RadialUniform, WrappedNormal


@pytest.mark.parametrize("c", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("dim", [2, 64])
def test_wrapped_normal_has_the_radius_asked_for(c: float, dim: int) -> None:
    distances = poincare.distance0(poincare.expmap0(WrappedNormal(1.5)((4000, dim)), c), c).numpy()
    assert np.sqrt((distances**2).mean()) == pytest.approx(1.5, rel=0.05)


def test_wrapped_normal_default_is_a_coordinate_deviation_of_001_at_dim_64() -> None:
    assert WrappedNormal()((2000, 64)).numpy().std() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("c", [0.0, 0.5, 2.0])
def test_radial_uniform_is_uniform_in_distance(c: float) -> None:
    points = poincare.expmap0(RadialUniform(0.5, 2.5)((4000, 3)), c)
    distances = np.sort(poincare.distance0(points, c))
    np.testing.assert_allclose(distances, np.linspace(0.5, 2.5, 4000), atol=0.1)
    assert distances[0] >= 0.5 - 1e-5
    assert distances[-1] <= 2.5 + 1e-5
    directions = points / tf.norm(points, axis=-1, keepdims=True)
    np.testing.assert_allclose(tf.reduce_mean(directions, axis=0), np.zeros(3), atol=0.05)


@pytest.mark.parametrize("cls", [WrappedNormal, RadialUniform])
def test_seeds(cls: type) -> None:
    seeded, unseeded = cls(seed=7), cls()
    np.testing.assert_array_equal(seeded((5, 3)), seeded((5, 3)))
    assert not np.array_equal(unseeded((5, 3)), unseeded((5, 3)))
    tf.keras.utils.set_random_seed(1)
    first = unseeded((5, 3))
    tf.keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(unseeded((5, 3)), first)
    piece = seeded((5, 3), partition_shape=(2, 3), partition_offset=(2, 0))
    assert piece.shape == (2, 3)
    assert not np.array_equal(piece, seeded((2, 3)))


@pytest.mark.parametrize("cls", [WrappedNormal, RadialUniform])
def test_dtypes_and_shapes(cls: type) -> None:
    assert cls()((2, 3)).dtype == tf.float32
    assert cls()(tf.TensorShape([4, 2, 3]), dtype="float64").shape == (4, 2, 3)
    assert cls()((2, 3), dtype=tf.float64).dtype == tf.float64
    assert cls()((0, 3)).shape == (0, 3)
    with pytest.raises(ValueError, match=r"`dtype`.*Received"):
        cls()((2, 3), dtype="int32")
    with pytest.raises(ValueError, match=r"`shape`.*Received"):
        cls()(())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WrappedNormal(-1.0), "`radius`"),
        (lambda: WrappedNormal(float("nan")), "`radius`"),
        (lambda: RadialUniform(2.0, 1.0), "`min_radius` and `max_radius`"),
        (lambda: RadialUniform(0.0, float("inf")), "`min_radius` and `max_radius`"),
    ],
)
def test_invalid_radii(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"{message} must be .*Received"):
        make()
