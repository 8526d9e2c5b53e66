"""Scalar functions: values and derivatives against mpmath, limits against the dtype, no NaN from a masked branch."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import numerics

DTYPES = [np.float32, np.float64]


def exact_ratio(name: str, s: float):
    """Value and derivative of `f(sqrt(s)) / sqrt(s)` in 60 digits."""
    with mpmath.workdps(60):
        s = mpmath.mpf(s)
        r = mpmath.sqrt(s)
        if name == "asinh_ratio":
            value, slope = mpmath.asinh(r) / r, 1 / mpmath.sqrt(1 + s)
        else:
            value, slope = mpmath.tanh(r) / r, mpmath.sech(r) ** 2
        return float(value), float((slope - value) / (2 * s))


@pytest.mark.parametrize("name", ["asinh_ratio", "tanh_ratio"])
@pytest.mark.parametrize(("dtype", "value_rtol", "slope_rtol"), [(np.float32, 5e-7, 1e-5), (np.float64, 1e-15, 1e-12)])
def test_ratios_and_their_derivatives_equal_mpmath(name: str, dtype, value_rtol: float, slope_rtol: float) -> None:
    s = np.logspace(-12, 6, 181).astype(dtype)
    x = tf.constant(s)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = getattr(numerics, name)(x)
    slope = tape.gradient(value, x)
    expected = np.array([exact_ratio(name, float(v)) for v in s])
    np.testing.assert_allclose(value, expected[:, 0], rtol=value_rtol)
    np.testing.assert_allclose(slope, expected[:, 1], rtol=slope_rtol)


@pytest.mark.parametrize("name", ["asinh_ratio", "tanh_ratio"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_ratios_are_smooth_at_zero(name: str, dtype) -> None:
    x = tf.constant([0.0, 1e-30], dtype)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = getattr(numerics, name)(x)
        slope = inner.gradient(value, x)
    first, second = (-1 / 6, 3 / 20) if name == "asinh_ratio" else (-1 / 3, 4 / 15)
    np.testing.assert_array_equal(value, np.ones(2))
    np.testing.assert_allclose(slope, [first] * 2, rtol=1e-6)
    np.testing.assert_allclose(outer.gradient(slope, x), [second] * 2, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_the_slope_is_the_derivative_of_the_ratio(dtype, rtol: float) -> None:
    s = np.concatenate([[0.0], np.logspace(-12, 6, 181)]).astype(dtype)
    expected = [exact_ratio("tanh_ratio", max(float(v), 1e-30))[1] for v in s]
    np.testing.assert_allclose(numerics.tanh_ratio_slope(tf.constant(s)), expected, rtol=rtol)


@pytest.mark.parametrize(("function", "exact"), [(tf.asinh, np.arcsinh), (tf.tanh, np.tanh), (tf.sqrt, np.sqrt)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_functions_of_tensorflow_are_good_to_a_few_ulp(function, exact, dtype) -> None:
    x = np.logspace(-6, 6, 20_001).astype(dtype)
    expected = exact(x.astype(np.longdouble))
    ulp = np.abs(function(x).numpy() - expected) / np.spacing(expected.astype(dtype))
    assert ulp.max() < 16


@pytest.mark.parametrize("dtype", DTYPES)
def test_roots_and_norms_have_a_gradient_of_zero_at_zero(dtype) -> None:
    x = tf.constant([[0.0, 0.0], [3.0, 4.0]], dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        norm = numerics.safe_norm(x)
    np.testing.assert_array_equal(norm, [[0.0], [5.0]])
    np.testing.assert_allclose(tape.gradient(norm, x), [[0.0, 0.0], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_array_equal(numerics.safe_sqrt(tf.constant([-1e-12, 0.0, 4.0], dtype)), [0.0, 0.0, 2.0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_limit_of_the_ball_leaves_digits(dtype) -> None:
    limit = dtype(numerics.ball_limit(dtype))
    assert limit < 1
    assert 1 - limit > 32 * np.finfo(dtype).eps
    assert numerics.eps(dtype) == np.finfo(dtype).eps


def test_the_wide_sum_keeps_what_a_narrow_one_rounds() -> None:
    x = np.random.default_rng(0).normal(size=(256, 64))
    x = (x / np.linalg.norm(x, axis=-1, keepdims=True) * (1 - 1e-5)).astype(np.float32)
    exact = 1 - np.sum(x.astype(np.longdouble) ** 2, axis=-1, keepdims=True)
    narrow = np.abs(1 - numerics.squared_norm(tf.constant(x)).numpy() - exact) / exact
    wide = np.abs(1 - numerics.wide_squared_norm(tf.constant(x)).numpy() - exact) / exact
    assert wide.max() < 1e-9 < 1e-4 < narrow.max()


def test_the_wide_sum_is_exact_and_finite_at_any_length() -> None:
    lengths = np.array([0.0, 1e-38, 1e-30, 1e-10, 1.0, 1e10, 1e30])[:, np.newaxis]
    x = (np.random.default_rng(0).normal(size=(7, 64)) * lengths).astype(np.float32)
    expected = tf.reduce_sum(tf.square(tf.cast(x, tf.float64)), axis=-1, keepdims=True)
    np.testing.assert_allclose(numerics.wide_squared_norm(tf.constant(x)), expected, rtol=1e-15)
    np.testing.assert_array_equal(numerics.wide_squared_norm(tf.constant(x))[:6], expected[:6])


def test_the_gradient_of_the_wide_sum_has_the_dtype_of_its_input() -> None:
    x = tf.constant([[1.0, -2.0], [0.5, 0.0]])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = tf.square(numerics.wide_squared_norm(x))
        gradient = inner.gradient(value, x)
    assert value.dtype == tf.float64
    assert gradient.dtype == tf.float32
    s = np.array([[5.0], [0.25]])
    np.testing.assert_allclose(gradient, 4 * s * x.numpy(), rtol=1e-6)
    summed_rows = outer.gradient(gradient, x)
    expected = 4 * s + 8 * x.numpy() * x.numpy().sum(-1, keepdims=True)
    np.testing.assert_allclose(summed_rows, expected, rtol=1e-6)


def test_promotion() -> None:
    half, single, double = (tf.constant(1.0, dtype) for dtype in (tf.float16, tf.float32, tf.float64))
    assert numerics.working_dtype(half, 1.0, 2) == tf.float32
    assert numerics.working_dtype(half, np.arange(3)) == tf.float32
    assert numerics.working_dtype(single, double) == tf.float64
    assert [v.dtype for v in numerics.promote(x=half, y=[1, 2], c=0.5)] == [tf.float32] * 3


def test_softplus_inverse() -> None:
    for value in (1e-8, 0.1, 1.0, 50.0, 1e4):
        assert float(tf.nn.softplus(tf.constant(numerics.softplus_inverse(value), tf.float64))) == pytest.approx(
            value, rel=1e-9
        )
    with pytest.raises(ValueError, match=r"`value` must be positive.*Received: value=0"):
        numerics.softplus_inverse(0.0)
