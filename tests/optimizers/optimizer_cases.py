"""Shared by the tests of the optimizers: the optimizers to test, tables and gradients, and formulas of the ball in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.ball_variables import mark_on_ball
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam, RiemannianOptimizer, RiemannianSGD

OPTIMIZERS: dict[str, Callable[..., RiemannianOptimizer]] = {
    "sgd": lambda **kwargs: RiemannianSGD(**{"learning_rate": 0.1, **kwargs}),
    "momentum": lambda **kwargs: RiemannianSGD(**{"learning_rate": 0.1, "momentum": 0.9, **kwargs}),
    "projection": lambda **kwargs: RiemannianSGD(**{"learning_rate": 0.1, "retraction": "projection", **kwargs}),
    "adagrad": lambda **kwargs: RiemannianAdagrad(**{"learning_rate": 0.1, **kwargs}),
    "adam": lambda **kwargs: RiemannianAdam(**{"learning_rate": 0.1, **kwargs}),
    "amsgrad": lambda **kwargs: RiemannianAdam(**{"learning_rate": 0.1, "amsgrad": True, **kwargs}),
}
EACH = pytest.mark.parametrize("name", OPTIMIZERS)


def table(rows: int = 6, dim: int = 3, c: Any = 1.0, dtype: str = "float32", radius: float = 0.5) -> tf.Variable:
    """A table of points, on the ball of curvature `c` unless `c` is None."""
    rng = np.random.default_rng(rows)
    directions = rng.normal(size=(rows, dim))
    points = directions / np.linalg.norm(directions, axis=1, keepdims=True) * rng.uniform(0, radius, (rows, 1))
    variable = tf.Variable(points.astype(dtype))
    if c is not None:
        mark_on_ball(variable, c)
    return variable


def gradients(step: int, count: int, dim: int = 3, dtype: str = "float32") -> np.ndarray:
    """Random gradients of `count` rows, different at each step."""
    return np.random.default_rng(100 + step).normal(size=(count, dim)).astype(dtype)


def apply_sparse(optimizer: Any, variable: tf.Variable, indices: Any, values: Any) -> None:
    """Applies a sparse gradient, as a lookup has it."""
    indices = tf.constant(indices, tf.int64)
    optimizer.apply_gradients([(tf.IndexedSlices(tf.constant(values), indices, tf.shape(variable)), variable)])


def state(optimizer: Any) -> list[np.ndarray]:
    """The values of all variables of an optimizer."""
    return [v.numpy() for v in optimizer.variables]


def numpy_add(x: np.ndarray, y: np.ndarray, c: float) -> np.ndarray:
    """Möbius addition by its definition."""
    xy, xx, yy = (np.sum(a * b, -1, keepdims=True) for a, b in ((x, y), (x, x), (y, y)))
    return ((1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y) / (1 + 2 * c * xy + c * c * xx * yy)


def numpy_lambda(x: np.ndarray, c: float) -> np.ndarray:
    """The conformal factor, one value per point."""
    return 2 / (1 - c * np.sum(x * x, -1, keepdims=True))


def numpy_expmap(x: np.ndarray, v: np.ndarray, c: float) -> np.ndarray:
    """The exponential map by its definition."""
    if c == 0:
        return x + v
    norm = np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-30)
    return numpy_add(x, np.tanh(np.sqrt(c) * numpy_lambda(x, c) * norm / 2) * v / (np.sqrt(c) * norm), c)


def numpy_transport(x: np.ndarray, y: np.ndarray, v: np.ndarray, c: float) -> np.ndarray:
    """`gyr[y, -x] v * lambda_x / lambda_y`, with the gyration of a vector scaled down to be a point of the ball."""
    small = v * 1e-3
    inner = numpy_add(y, numpy_add(-x, small, c), c)
    return numpy_add(-numpy_add(y, -x, c), inner, c) * 1e3 * numpy_lambda(x, c) / numpy_lambda(y, c)
