"""Functions that are accurate and have finite gradients where the usual formulas have not.

The functions take a *squared* norm `s`, because a norm is not differentiable at 0, and its square is: `tanh_ratio(s)`, which is
`tanh(sqrt(s)) / sqrt(s)`, is an analytic function of `s`, with the value 1 at 0. With `s = c|x|^2`, the maps of the Poincaré ball
become smooth both at the origin and at curvature 0.

Arguments are masked *before* an unsafe operation, because `tf.where` passes on the NaN gradient of the branch that is not taken.
Thresholds depend on the dtype.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_types import Numbers

Tensor = Numbers
"""A `tf.Tensor`, or a value that `tf.convert_to_tensor` accepts. TensorFlow has no type information."""


def working_dtype(*values: Tensor) -> tf.DType:
    """Dtype in which the geometry computes: float64 if any of the values is float64, and float32 otherwise.

    Args:
        *values: Tensors, arrays, lists or numbers. Those without a `dtype`, such as Python floats, do not count.

    Returns:
        `tf.float32` or `tf.float64`.

    Example:

    >>> working_dtype(tf.constant(1.0, tf.float16), 2.0)
    tf.float32
    """
    for value in values:
        # By name, because NumPy has dtypes that TensorFlow has not.
        if getattr(getattr(value, "dtype", None), "name", None) == "float64":
            return tf.float64
    return tf.float32


def promote(**values: Tensor) -> tuple[Tensor, ...]:
    """Converts values to tensors of their common `working_dtype`.

    Args:
        **values: Tensors, arrays, lists or numbers, by the names of the arguments, for error messages. Of `c`, a curvature, a
            number must be >= 0; a tensor is not looked into.

    Returns:
        A tuple of tensors, float32 or float64, in the order of the arguments.

    Raises:
        ValueError: If a value is no real number, or no tensor of them, or if `c` is a number < 0.

    Example:

    >>> [x.dtype for x in promote(x=tf.constant(1.0, tf.float64), y=[1, 2])]
    [tf.float64, tf.float64]
    """
    dtype = working_dtype(*values.values())
    return tuple(_promoted(name, value, dtype) for name, value in values.items())


def _promoted(name: str, value: Tensor, dtype: tf.DType) -> Tensor:
    if name == "c" and isinstance(value, (int, float)) and not value >= 0:
        raise ValueError(f"`c`, the curvature, must be >= 0. Received: c={value}")
    given = getattr(value, "dtype", None)
    try:
        if given is None:
            return tf.convert_to_tensor(value, dtype)
        if not (tf.as_dtype(given).is_complex or tf.as_dtype(given) == tf.string):
            return tf.cast(tf.convert_to_tensor(value), dtype)
    except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
        cause: Exception | None = error
    else:
        cause = None
    raise ValueError(
        f"`{name}` must be a real number, or a tensor of them. Received: {reprlib.repr(value)}, of the type "
        f"{type(value).__name__}"
    ) from cause


def eps(dtype: tf.DType) -> float:
    """Machine epsilon, the distance from 1 to the next larger number.

    Args:
        dtype: A floating dtype.

    Returns:
        Float, the machine epsilon.

    Example:

    >>> eps(tf.float32)
    1.1920928955078125e-07
    """
    return float(np.finfo(tf.as_dtype(dtype).as_numpy_dtype).eps)


def ball_limit(dtype: tf.DType) -> float:
    """Largest `sqrt(c)|x|` of a point of the ball, `1 - eps^(3/4)`.

    With this limit, `1 - c|x|^2` has at least two significant digits. Its distance from the origin is `12.7 / sqrt(c)` in
    float32, and `27.7 / sqrt(c)` in float64.

    Args:
        dtype: A floating dtype.

    Returns:
        Float in (0, 1), the limit.

    Example:

    >>> round(ball_limit(tf.float32), 7)
    0.9999936
    """
    return 1.0 - eps(dtype) ** 0.75


def squared_norm(x: Tensor, keepdims: bool = True) -> Tensor:
    """Squared Euclidean norm along the last axis.

    Args:
        x: Tensor, `(..., dim)`.
        keepdims: Boolean, whether the result keeps a last axis of size 1. Defaults to `True`.

    Returns:
        Squared norms, `(..., 1)`, or `(...)` without `keepdims`, of the dtype of `x`.

    Example:

    >>> squared_norm(tf.constant([[3.0, 4.0]])).numpy()
    array([[25.]], dtype=float32)
    """
    return tf.reduce_sum(tf.square(x), axis=-1, keepdims=keepdims)


def wide_squared_norm(x: Tensor) -> Tensor:
    """Squared Euclidean norm along the last axis, computed in float64.

    It is used for `1 - c|x|^2`, which cancels near the boundary of the ball. The gradient, `2x`, needs no more digits than `x`
    has, and is computed in the dtype of `x`, which is faster.

    Args:
        x: Tensor, `(..., dim)`, float32 or float64.

    Returns:
        Squared norms, `(..., 1)`, float64.

    Example:

    >>> wide_squared_norm(tf.constant([3.0, 4.0])).numpy()
    array([25.])
    """
    wide = squared_norm(tf.cast(x, tf.float64))
    if x.dtype == tf.float64:
        return wide
    # The gradient is that of the narrow sum. Its value drops out, because the difference of the two sums is exact in float64; for
    # an infinite sum the difference would be NaN.
    narrow = tf.cast(tf.minimum(squared_norm(x), x.dtype.max), tf.float64)
    return narrow + tf.stop_gradient(wide - narrow)


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Splits float64 numbers into the nearest float32 numbers and what is left; their sum is exact.

    Products of the first parts are exact in float64, too, as they have 24 bits.

    Args:
        x: Float64 tensor, any shape.

    Returns:
        A tuple of float64 tensors of the same shape, without gradients.

    Example:

    >>> high, low = halves(tf.constant(0.1, tf.float64))
    >>> float(high), float(high + low)
    (0.10000000149011612, 0.1)
    """
    x = tf.stop_gradient(x)
    largest = tf.float32.max
    high = tf.cast(tf.cast(tf.clip_by_value(x, -largest, largest), tf.float32), tf.float64)
    return high, x - high


def safe_sqrt(s: Tensor) -> Tensor:
    """Square root, whose gradient at 0 is 0 instead of infinity.

    Args:
        s: Floating tensor, any shape, >= 0. Negative values, which can result from rounding, count as 0.

    Returns:
        Square roots, of the shape and dtype of `s`.

    Example:

    >>> safe_sqrt(tf.constant([4.0, 0.0, -1e-12])).numpy()
    array([2., 0., 0.], dtype=float32)
    """
    positive = s > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, s, tf.ones_like(s))), tf.zeros_like(s))


def safe_norm(x: Tensor, keepdims: bool = True) -> Tensor:
    """Euclidean norm along the last axis, whose gradient at the zero vector is 0.

    Args:
        x: Floating tensor, `(..., dim)`.
        keepdims: Boolean, whether the result keeps a last axis of size 1. Defaults to `True`.

    Returns:
        Norms, `(..., 1)`, or `(...)` without `keepdims`, of the dtype of `x`.

    Example:

    >>> safe_norm(tf.constant([[3.0, 4.0], [0.0, 0.0]]), keepdims=False).numpy()
    array([5., 0.], dtype=float32)
    """
    return safe_sqrt(squared_norm(x, keepdims=keepdims))


# Coefficients of the Maclaurin series in `s`.
_TANH = (1.0, -1.0 / 3.0, 2.0 / 15.0, -17.0 / 315.0, 62.0 / 2835.0)
_ASINH = (1.0, -1.0 / 6.0, 3.0 / 40.0, -15.0 / 336.0, 105.0 / 3456.0)


def tanh_ratio(s: Tensor) -> Tensor:
    """`tanh(sqrt(s)) / sqrt(s)`, and 1 at 0. It is smooth at 0, where its Maclaurin series in `s` is used.

    Args:
        s: Float32 or float64 tensor, any shape, >= 0.

    Returns:
        Ratios in (0, 1], of the shape and dtype of `s`.

    Example:

    >>> tanh_ratio(tf.constant([0.0, 0.25])).numpy().round(4)
    array([1.    , 0.9242], dtype=float32)
    """
    return _ratio(s, tf.tanh, _TANH)


def asinh_ratio(s: Tensor) -> Tensor:
    """`asinh(sqrt(s)) / sqrt(s)`, and 1 at 0. It is smooth at 0, where its Maclaurin series in `s` is used.

    Args:
        s: Float32 or float64 tensor, any shape, >= 0.

    Returns:
        Ratios in (0, 1], of the shape and dtype of `s`.

    Example:

    >>> asinh_ratio(tf.constant([0.0, 0.25])).numpy().round(4)
    array([1.    , 0.9624], dtype=float32)
    """
    return _ratio(s, tf.asinh, _ASINH)


def tanh_ratio_slope(s: Tensor) -> Tensor:
    """Derivative of `tanh_ratio`, for explicit gradients.

    Args:
        s: Float32 or float64 tensor, any shape, >= 0.

    Returns:
        Derivatives in [-1/3, 0), of the shape and dtype of `s`.

    Example:

    >>> tanh_ratio_slope(tf.constant([0.0, 0.25])).numpy().round(4)
    array([-0.3333, -0.2756], dtype=float32)
    """
    switch = _switch(s, _TANH)
    far = tf.maximum(s, switch)
    tanh = tf.tanh(tf.sqrt(far))
    quotient = (1.0 - tf.square(tanh) - tanh / tf.sqrt(far)) / (2.0 * far)
    series = tuple(order * coefficient for order, coefficient in enumerate(_TANH))[1:]
    return tf.where(s < switch, _polynomial(tf.minimum(s, switch), series), quotient)


def _ratio(s: Tensor, function: Callable[[Tensor], Tensor], series: tuple[float, ...]) -> Tensor:
    """`function(sqrt(s)) / sqrt(s)`, by its series where rounding would spoil the derivative of the quotient."""
    switch = _switch(s, series)
    root = tf.sqrt(tf.maximum(s, switch))
    return tf.where(s < switch, _polynomial(tf.minimum(s, switch), series), function(root) / root)


def _polynomial(s: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    value = s * coefficients[-1] + coefficients[-2]
    for coefficient in reversed(coefficients[:-2]):
        value = value * s + coefficient
    return value


def _switch(s: Tensor, series: tuple[float, ...]) -> float:
    """The `s` below which the series is used: `eps^(1/n)` for `n` terms, where the truncation error is about `eps`.

    Just above it the derivative of the quotient has an error of `eps / s`, but it enters all maps multiplied by `s`.
    """
    return eps(s.dtype) ** (1.0 / len(series))


def softplus_inverse(value: float) -> float:
    """Inverse of the softplus, `log(exp(value) - 1)`, in a form that does not overflow.

    Args:
        value: Float > 0.

    Returns:
        Float, whose softplus is `value`.

    Raises:
        ValueError: If `value` is not positive.

    Example:

    >>> round(float(tf.nn.softplus(softplus_inverse(2.0))), 4)
    2.0
    """
    if value <= 0:
        raise ValueError(f"`value` must be positive: softplus is never 0 or below. Received: value={value}")
    return float(value + np.log(-np.expm1(-value)))
