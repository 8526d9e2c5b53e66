"""All functions and their gradients against the formulas of the literature in 110 digits, with few rows of each kind.

`benchmarks/geometry_accuracy.py` does the same with many rows, and prints the table of docs/numerics.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.geometry import lorentz, poincare

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import geometry_accuracy as accuracy

# Largest errors of gradients where they are not a few roundings: the derivative of a map along a ray is as small as
# `1 - c|x|^2`, but computed from numbers near 1; and sums of large terms of both signs.
STEEP = {
    "gyration": (1e-3, 1e-9),
    "gyromidpoint": (1e-4, 1e-5),
    "logmap": (1e-3, 1e-9),
    "mobius_add": (1e-3, 1e-5),
    "mobius_matvec": (1e-2, 1e-4),
    "mobius_scalar_mul": (1e-2, 1e-4),
    "parallel_transport": (1e-3, 1e-8),
}
DOCUMENTED_CANCELLATION = ("lorentz.distance", "lorentz.lorentz_inner")


def bounds(name: str, dtype: Any) -> tuple[float, float]:
    """The largest error of a value, and of a gradient."""
    wide = int(dtype is np.float64)
    value = (1e-2, 1e-7)[wide] if name in DOCUMENTED_CANCELLATION else (1e-6, 2e-11)[wide]
    return value, STEEP.get(name, (1e-5, 1e-10) if name not in DOCUMENTED_CANCELLATION else (1e-2, 1e-7))[wide]


def test_every_function_is_measured() -> None:
    names = {*poincare.__all__, *(f"lorentz.{name}" for name in public(lorentz))}
    assert names <= set(accuracy.CASES)


def public(module: Any) -> list[str]:
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__)
    return [name for name in own if not name.startswith("_")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", accuracy.CASES)
def test_errors_are_within_the_published_bounds(name: str, dtype: Any) -> None:
    value, gradient = bounds(name, dtype)
    errors = accuracy.measured(name, dtype, rows=2, seed=1, ways=(False,))
    assert errors.value[0] <= value
    assert errors.gradient[0] <= gradient


@pytest.mark.slow
@pytest.mark.skipif(tf.__version__.startswith("2.16."), reason="XLA of TensorFlow 2.16 loses digits of float64")
@pytest.mark.parametrize("name", ["distance", "logmap", "gyromidpoint"])
def test_xla_keeps_the_digits(name: str) -> None:
    value, gradient = bounds(name, np.float64)
    errors = accuracy.measured(name, np.float64, rows=2, seed=1, ways=(True,))
    assert errors.value[0] <= value
    assert errors.gradient[0] <= gradient


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("name", accuracy.CASES)
def test_half_precision_is_computed_in_float32(name: str, dtype: Any) -> None:
    assert accuracy.half_precision(name, dtype, rows=3, seed=1)


def test_a_midpoint_of_far_points_near_the_boundary() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3, 5))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    x = poincare.project(x.astype(np.float32) * np.float32(1 - 1e-5), 1.0)
    expected = poincare.gyromidpoint(tf.cast(x, tf.float64), 1.0)
    error = tf.norm(tf.cast(poincare.gyromidpoint(x, 1.0), tf.float64) - expected, axis=-1) / tf.norm(expected, axis=-1)
    assert float(tf.reduce_max(error)) < 3e-7


def test_a_logarithm_at_the_limit_of_float64() -> None:
    x = poincare.project(tf.constant([[0.6, 0.8]], tf.float64), 1.0)
    y = x * (1 - 1e-12)
    with accuracy.mp.workdps(60):
        expected = float(accuracy.exact.distance(*([accuracy.mp.mpf(float(v)) for v in p[0]] for p in (x, y)), 1))
    length = poincare.conformal_factor(x, 1.0) * tf.norm(poincare.logmap(x, y, 1.0), axis=-1)
    np.testing.assert_allclose(length, [expected], rtol=1e-10)


PAIRS = {
    "distance": ("x", "y"),
    "egrad2rgrad": ("x", "gradient"),
    "expmap": ("x", "v"),
    "logmap": ("x", "y"),
    "mobius_add": ("x", "y"),
    "pairwise_distance": ("x", "y"),
    "squared_distance": ("x", "y"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_last_axes_do_not_broadcast(name: str) -> None:
    function, (first, second) = getattr(poincare, name), PAIRS[name]
    with pytest.raises(ValueError, match=rf"`{first}` and `{second}` must have the same last axis.*Received"):
        function(tf.zeros([2, 3]), tf.zeros([2, 1]), 1.0)
    with pytest.raises(ValueError, match=rf"`{second}` must have shape \(..., dim\). Received: a scalar"):
        function(tf.zeros([3]), 0.0, 1.0)
    unknown = tf.TensorSpec([2, None])
    traced = tf.function(lambda x, y: function(x, y, 1.0), input_signature=[unknown, unknown])
    assert tf.reduce_all(tf.math.is_finite(traced(tf.zeros([2, 3]), tf.zeros([2, 3]))))
    with pytest.raises(tf.errors.InvalidArgumentError, match="only leading axes broadcast"):
        traced(tf.zeros([2, 3]), tf.zeros([2, 1]))


def test_no_last_axis_broadcasts_in_functions_of_three() -> None:
    for function in (poincare.gyration, poincare.parallel_transport):
        for shapes in (([3], [3], [1]), ([3], [1], [3]), ([1], [3], [3])):
            with pytest.raises(ValueError, match="must have the same last axis"):
                function(*map(tf.zeros, shapes), 1.0)
    for function in (lorentz.distance, lorentz.lorentz_inner):
        with pytest.raises(ValueError, match="`p` and `q` must have the same last axis"):
            function(tf.zeros([2, 3]), tf.zeros([1]), 1.0)


def test_a_midpoint_has_one_weight_per_point() -> None:
    with pytest.raises(ValueError, match=r"`weights` must have shape \(..., n\)"):
        poincare.gyromidpoint(tf.zeros([2, 4, 3]), 1.0, tf.ones([2, 1]))
    with pytest.raises(ValueError, match=r"`x` must have shape \(..., n, dim\)"):
        poincare.gyromidpoint(tf.zeros([3]), 1.0)
