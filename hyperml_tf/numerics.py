"""Scalar functions that stay exact and differentiable where the textbook forms break.

Everything here is written in the *squared* norm `s`, because `s` is smooth where the norm is not: `tanh_ratio(s)` is
`tanh(sqrt(s)) / sqrt(s)`, an analytic function of `s` with value 1 at 0. With `s = c * |x|^2` this one substitution makes
every map of the Poincaré ball smooth at the origin *and* at curvature 0.

Two rules hold throughout. An argument is masked *before* the unsafe operation, because `tf.where` does not stop a NaN
gradient from the branch that was not taken. Thresholds come from the dtype, not from literals.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

Tensor = Any
"""A `tf.Tensor` or anything `tf.convert_to_tensor` accepts. TensorFlow ships no type information."""


def working_dtype(*values: Tensor) -> tf.DType:
    """The dtype geometry computes in: the widest floating dtype among the tensors, and never below float32.

    Python numbers and integer arrays do not widen anything; half precision is computed in float32.
    """
    for value in values:
        dtype = getattr(value, "dtype", None)
        if dtype is not None and tf.as_dtype(dtype) == tf.float64:
            return tf.float64
    return tf.float32


def promote(*values: Tensor) -> tuple[Tensor, ...]:
    """Converts all values to tensors of their common `working_dtype`."""
    dtype = working_dtype(*values)
    return tuple(
        tf.cast(tf.convert_to_tensor(v), dtype) if _has_dtype(v) else tf.convert_to_tensor(v, dtype) for v in values
    )


def _has_dtype(value: Tensor) -> bool:
    return getattr(value, "dtype", None) is not None


def eps(dtype: tf.DType) -> float:
    """Machine epsilon of a floating dtype (the spacing above 1)."""
    return float(np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps)


def ball_limit(dtype: tf.DType) -> float:
    """The largest `sqrt(c) * |x|` a point may have: `1 - eps^(3/4)`.

    `1 - c|x|^2` then keeps two significant digits or more in that dtype. It is the point at distance 12.7 (float32) or
    27.7 (float64) from the origin, in units of `1 / sqrt(c)`.
    """
    return 1.0 - eps(dtype) ** 0.75


_FORWARD_ONLY = contextvars.ContextVar("forward_only", default=False)


@contextlib.contextmanager
def forward_only() -> Iterator[None]:
    """For graphs that are only evaluated: what is traced within has no gradients of its own, which a SavedModel would carry."""
    token = _FORWARD_ONLY.set(True)
    try:
        yield
    finally:
        _FORWARD_ONLY.reset(token)


def squared_norm(x: Tensor, keepdims: bool = True) -> Tensor:
    """Sum of squares along the last axis."""
    return tf.reduce_sum(tf.square(x), axis=-1, keepdims=keepdims)


def wide_squared_norm(x: Tensor) -> Tensor:
    """Sum of squares along the last axis, `(..., 1)`, in float64 whatever the dtype of `x`.

    For the one difference that cancels, `1 - c|x|^2` near the boundary. The derivative `2x` needs no more digits than `x` has,
    so the backward pass stays in the dtype of `x`; with it the wide sum costs little more than a float32 one.
    """
    if x.dtype == tf.float64 or not isinstance(x, tf.Tensor) or _FORWARD_ONLY.get():
        # Symbolic inputs of the Keras functional API cannot pass through a custom gradient: same values, wide backward pass.
        return squared_norm(tf.cast(x, tf.float64))
    return _wide_squared_norm(x)


@tf.custom_gradient
def _wide_squared_norm(x: Tensor) -> Any:
    return squared_norm(tf.cast(x, tf.float64)), lambda upstream: tf.cast(2.0 * upstream, x.dtype) * x


def safe_sqrt(s: Tensor) -> Tensor:
    """`sqrt(s)` for `s >= 0`, with gradient 0 instead of infinity at 0. Negative rounding noise counts as 0."""
    positive = s > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, s, tf.ones_like(s))), tf.zeros_like(s))


def safe_norm(x: Tensor, keepdims: bool = True) -> Tensor:
    """Euclidean norm along the last axis, with gradient 0 at the zero vector."""
    return safe_sqrt(squared_norm(x, keepdims=keepdims))


def tanh_ratio(s: Tensor) -> Tensor:
    """`tanh(sqrt(s)) / sqrt(s)` for `s >= 0`; 1 at 0. Maclaurin series `1 - s/3 + 2s^2/15 - 17s^3/315` near 0."""
    if _FORWARD_ONLY.get():
        return _quotient(s, tf.tanh)
    return _ratio(s, tf.tanh) if _is_symbolic(s) else _tanh_ratio(s)


def asinh_ratio(s: Tensor) -> Tensor:
    """`asinh(sqrt(s)) / sqrt(s)` for `s >= 0`; 1 at 0. Maclaurin series `1 - s/6 + 3s^2/40 - 15s^3/336` near 0."""
    if _FORWARD_ONLY.get():
        return _quotient(s, tf.asinh)
    return _ratio(s, tf.asinh) if _is_symbolic(s) else _asinh_ratio(s)


def tanh_ratio_slope(s: Tensor) -> Tensor:
    """The derivative of `tanh_ratio`."""
    # Not by the ratio: rounding of a quotient near 1 would be most of the slope.
    value = tf.tanh(tf.sqrt(_far(s, _SERIES[tf.tanh])))
    return _slope(s, 1.0 - tf.square(value), tanh_ratio(s), _SERIES[tf.tanh])


def asinh_ratio_slope(s: Tensor) -> Tensor:
    """The derivative of `asinh_ratio`."""
    return _slope(s, tf.math.rsqrt(1.0 + s), asinh_ratio(s), _SERIES[tf.asinh])


_SERIES: dict[Any, tuple[float, ...]] = {
    tf.tanh: (1.0, -1.0 / 3.0, 2.0 / 15.0, -17.0 / 315.0, 62.0 / 2835.0),
    tf.asinh: (1.0, -1.0 / 6.0, 3.0 / 40.0, -15.0 / 336.0, 105.0 / 3456.0),
}


def _is_symbolic(s: Tensor) -> bool:
    """Whether `s` is of the Keras functional API and so cannot pass through a custom gradient."""
    return not isinstance(s, (tf.Tensor, tf.Variable))


def _ratio(s: Tensor, function: Any) -> Tensor:
    """`function(sqrt(s)) / sqrt(s)`, by its series in `s` where the quotient would lose its derivative to rounding.

    The series is cut at order n, so it is used below `eps^(1/(n+1))`, where its truncation error is one rounding; just
    above, the derivative of the quotient is good to `eps / s`, and it enters every map multiplied by `s`.
    """
    series = _SERIES[function]
    small = _is_small(s, series)
    root = tf.sqrt(_far(s, series))
    near = tf.where(small, s, tf.zeros_like(s))
    return tf.where(small, _polynomial(near, series), function(root) / root)


def _polynomial(s: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    value = s * coefficients[-1] + coefficients[-2]
    for coefficient in reversed(coefficients[:-2]):
        value = value * s + coefficient
    return value


@tf.custom_gradient
def _tanh_ratio(s: Tensor) -> Any:
    """`tanh_ratio` in a third of the operations: the quotient itself needs no series, only its derivative does."""

    return _quotient(s, tf.tanh), lambda upstream: upstream * tanh_ratio_slope(s)


@tf.custom_gradient
def _asinh_ratio(s: Tensor) -> Any:
    """`asinh_ratio` in a third of the operations, as `_tanh_ratio`."""

    return _quotient(s, tf.asinh), lambda upstream: upstream * asinh_ratio_slope(s)


def _quotient(s: Tensor, function: Any) -> Tensor:
    root = tf.sqrt(tf.maximum(s, np.finfo(s.dtype.as_numpy_dtype).tiny))
    return function(root) / root


def _slope(s: Tensor, slope_of_function: Tensor, ratio: Tensor, series: tuple[float, ...]) -> Tensor:
    """The derivative of `ratio` in `s`, from that of its function at `sqrt(s)`."""
    slopes = tuple(order * coefficient for order, coefficient in enumerate(series))[1:]
    small = _is_small(s, series)
    near = tf.where(small, s, tf.zeros_like(s))
    return tf.where(small, _polynomial(near, slopes), (slope_of_function - ratio) / (2.0 * _far(s, series)))


def _far(s: Tensor, series: tuple[float, ...]) -> Tensor:
    return tf.where(_is_small(s, series), tf.ones_like(s), s)


def _is_small(s: Tensor, series: tuple[float, ...]) -> Tensor:
    """Where the series is used: cut at order n, its truncation error is one rounding there."""
    return s < eps(s.dtype) ** (1.0 / len(series))


def softplus_inverse(value: float) -> float:
    """The raw value whose softplus is `value > 0`: `log(expm1(value))`, written so that it does not overflow."""
    if value <= 0:
        raise ValueError(f"`value` must be positive: softplus is never 0 or below. Received: value={value}")
    return float(value + np.log(-np.expm1(-value)))
