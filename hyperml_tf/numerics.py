"""Scalar functions that stay exact and differentiable where the textbook forms break.

Everything here is written in the *squared* norm `s`, because `s` is smooth where the norm is not: `tanh_ratio(s)` is
`tanh(sqrt(s)) / sqrt(s)`, an analytic function of `s` with value 1 at 0. With `s = c * |x|^2` this one substitution makes
every map of the Poincaré ball smooth at the origin *and* at curvature 0.

Two rules hold throughout. An argument is masked *before* the unsafe operation, because `tf.where` does not stop a NaN
gradient from the branch that was not taken. Thresholds come from the dtype, not from literals.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def forward_only() -> Iterator[None]:
    """Does nothing: no function of this module carries a gradient of its own, which a SavedModel could keep."""
    yield


def squared_norm(x: Tensor, keepdims: bool = True) -> Tensor:
    """Sum of squares along the last axis.

    Args:
        x: a tensor, `(..., dim)`.
        keepdims: whether the result keeps a last axis of size 1. Defaults to True.

    Returns:
        Squared norms, `(..., 1)` or `(...)`, of the dtype of `x`.

    Example:

    >>> squared_norm(tf.constant([[3.0, 4.0]])).numpy().tolist()
    [[25.0]]
    """
    return tf.reduce_sum(tf.square(x), axis=-1, keepdims=keepdims)


def wide_squared_norm(x: Tensor) -> Tensor:
    """Sum of squares along the last axis, in float64 whatever the dtype of `x`.

    It is for the one difference that cancels, `1 - c|x|^2` near the boundary of the ball. The gradient `2x` needs no more digits
    than `x` has, so it is computed in the dtype of `x`; the wide sum then costs little more than a float32 one.

    Args:
        x: a tensor, `(..., dim)`, float32 or float64.

    Returns:
        Squared norms, `(..., 1)`, float64.

    Example:

    >>> float(wide_squared_norm(tf.constant([3.0, 4.0]))[0])
    25.0
    """
    wide = squared_norm(tf.cast(x, tf.float64))
    if x.dtype == tf.float64:
        return wide
    # The narrow sum carries the gradient. The difference of the two sums is exact in float64, so its own value drops out; it is
    # kept finite, or the difference would not be a number.
    narrow = tf.cast(tf.minimum(squared_norm(x), x.dtype.max), tf.float64)
    return narrow + tf.stop_gradient(wide - narrow)


def safe_sqrt(s: Tensor) -> Tensor:
    """Square root with gradient 0, instead of infinity, at 0.

    Args:
        s: a floating tensor, any shape, >= 0. Negative rounding noise counts as 0.

    Returns:
        Square roots, of the shape and dtype of `s`.

    Example:

    >>> safe_sqrt(tf.constant([4.0, 0.0, -1e-12])).numpy().tolist()
    [2.0, 0.0, 0.0]
    """
    positive = s > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, s, tf.ones_like(s))), tf.zeros_like(s))


def safe_norm(x: Tensor, keepdims: bool = True) -> Tensor:
    """Euclidean norm along the last axis, with gradient 0 at the zero vector.

    Args:
        x: a floating tensor, `(..., dim)`.
        keepdims: whether the result keeps a last axis of size 1. Defaults to True.

    Returns:
        Norms, `(..., 1)` or `(...)`, of the dtype of `x`.

    Example:

    >>> safe_norm(tf.constant([[3.0, 4.0], [0.0, 0.0]]), keepdims=False).numpy().tolist()
    [5.0, 0.0]
    """
    return safe_sqrt(squared_norm(x, keepdims=keepdims))


# Coefficients of the Maclaurin series in `s`.
_TANH = (1.0, -1.0 / 3.0, 2.0 / 15.0, -17.0 / 315.0, 62.0 / 2835.0)
_ASINH = (1.0, -1.0 / 6.0, 3.0 / 40.0, -15.0 / 336.0, 105.0 / 3456.0)


def tanh_ratio(s: Tensor) -> Tensor:
    """`tanh(sqrt(s)) / sqrt(s)`, with its limit 1 at 0. Smooth: its Maclaurin series in `s` is used near 0.

    Args:
        s: a float32 or float64 tensor, any shape, >= 0.

    Returns:
        Ratios in (0, 1], of the shape and dtype of `s`.

    Example:

    >>> tanh_ratio(tf.constant([0.0, 0.25])).numpy().astype(float).round(4).tolist()
    [1.0, 0.9242]
    """
    return _ratio(s, tf.tanh, _TANH)


def asinh_ratio(s: Tensor) -> Tensor:
    """`asinh(sqrt(s)) / sqrt(s)`, with its limit 1 at 0. Smooth: its Maclaurin series in `s` is used near 0.

    Args:
        s: a float32 or float64 tensor, any shape, >= 0.

    Returns:
        Ratios in (0, 1], of the shape and dtype of `s`.

    Example:

    >>> asinh_ratio(tf.constant([0.0, 0.25])).numpy().astype(float).round(4).tolist()
    [1.0, 0.9624]
    """
    return _ratio(s, tf.asinh, _ASINH)


def tanh_ratio_slope(s: Tensor) -> Tensor:
    """The derivative of `tanh_ratio`, for gradients that are written out.

    Args:
        s: a float32 or float64 tensor, any shape, >= 0.

    Returns:
        Derivatives in [-1/3, 0), of the shape and dtype of `s`.

    Example:

    >>> tanh_ratio_slope(tf.constant([0.0, 0.25])).numpy().astype(float).round(4).tolist()
    [-0.3333, -0.2756]
    """
    # Not 1 - s * ratio^2: the rounding of a ratio near 1 would be most of the slope.
    value = tf.tanh(tf.sqrt(tf.maximum(s, _switch(s, _TANH))))
    return _slope(s, 1.0 - tf.square(value), tanh_ratio(s), _TANH)


def asinh_ratio_slope(s: Tensor) -> Tensor:
    """The derivative of `asinh_ratio`, for gradients that are written out.

    Args:
        s: a float32 or float64 tensor, any shape, >= 0.

    Returns:
        Derivatives in [-1/6, 0), of the shape and dtype of `s`.

    Example:

    >>> asinh_ratio_slope(tf.constant([0.0, 0.25])).numpy().astype(float).round(4).tolist()
    [-0.1667, -0.136]
    """
    return _slope(s, tf.math.rsqrt(1.0 + s), asinh_ratio(s), _ASINH)


def _ratio(s: Tensor, function: Callable[[Tensor], Tensor], series: tuple[float, ...]) -> Tensor:
    """`function(sqrt(s)) / sqrt(s)`, by its series where the quotient would lose its derivative to rounding."""
    switch = _switch(s, series)
    root = tf.sqrt(tf.maximum(s, switch))
    return tf.where(s < switch, _polynomial(tf.minimum(s, switch), series), function(root) / root)


def _slope(s: Tensor, slope_of_function: Tensor, ratio: Tensor, series: tuple[float, ...]) -> Tensor:
    """The derivative of `_ratio`, from that of its function at `sqrt(s)`."""
    slopes = tuple(order * coefficient for order, coefficient in enumerate(series))[1:]
    switch = _switch(s, series)
    quotient = (slope_of_function - ratio) / (2.0 * tf.maximum(s, switch))
    return tf.where(s < switch, _polynomial(tf.minimum(s, switch), slopes), quotient)


def _polynomial(s: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    value = s * coefficients[-1] + coefficients[-2]
    for coefficient in reversed(coefficients[:-2]):
        value = value * s + coefficient
    return value


def _switch(s: Tensor, series: tuple[float, ...]) -> float:
    """Below it the series is used: `eps^(1/n)` for `n` terms, where the truncation error is one rounding.

    Just above, the derivative of the quotient is good to `eps / s`, and it enters every map multiplied by `s`.
    """
    return eps(s.dtype) ** (1.0 / len(series))


def softplus_inverse(value: float) -> float:
    """The raw value whose softplus is `value > 0`: `log(expm1(value))`, written so that it does not overflow."""
    if value <= 0:
        raise ValueError(f"`value` must be positive: softplus is never 0 or below. Received: value={value}")
    return float(value + np.log(-np.expm1(-value)))
