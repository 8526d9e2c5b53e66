"""Initializers that place points by their distance from the origin.

They return *tangent vectors at the origin*: a vector of norm `r / 2` is the point at hyperbolic distance `r` in its direction,
whatever the curvature (conventions: `hyperml_tf.geometry.poincare`), so no initializer needs to know it. A variable that
holds points takes `poincare.expmap0` of them, as `HyperbolicEmbedding(mode="direct")` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor

__all__ = ["RadialUniform", "WrappedNormal"]


@register
class WrappedNormal(tf.keras.initializers.Initializer):
    """The normal distribution wrapped around the origin: independent normal coordinates with a given radius.

    The standard deviation of a coordinate is `radius / (2 sqrt(dim))`, so the root mean square of the distance from the origin
    is `radius` in every dimension. The default is a standard deviation of 0.01 at `dim = 64`: close to the origin, where the
    space is nearly flat, and apart enough for the first gradients to have a direction.

    Args:
        radius: root mean square distance from the origin, in units of hyperbolic distance, >= 0.
        seed: an integer for the same values at every call; None draws from the global generator.

    Raises:
        ValueError: if `radius` is negative or not finite.

    Example:

    >>> vectors = WrappedNormal(radius=0.16, seed=1)((1000, 64))
    >>> round(float(2 * tf.sqrt(tf.reduce_mean(tf.reduce_sum(vectors**2, axis=-1)))), 2)
    0.16
    """

    def __init__(self, radius: float = 0.16, seed: int | None = None) -> None:
        if not 0 <= radius < float("inf"):
            raise ValueError(f"`radius` must be a finite distance >= 0. Received: radius={radius}")
        self.radius = float(radius)
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Tensor:
        """Tangent vectors at the origin, of shape `shape`, whose last axis is the dimension."""
        shape, dtype = _checked(shape, dtype, kwargs)
        return _normal(shape, dtype, self.seed, kwargs) * (self.radius / 2.0 / max(shape[-1], 1) ** 0.5)

    def get_config(self) -> dict[str, Any]:
        return {"radius": self.radius, "seed": self.seed}


@register
class RadialUniform(tf.keras.initializers.Initializer):
    """Uniform direction, and a distance from the origin uniform between two radii.

    In high dimension this spreads points over radii, where `WrappedNormal` puts nearly all of them at one radius.

    Args:
        min_radius: smallest distance from the origin, in units of hyperbolic distance, >= 0.
        max_radius: largest distance from the origin, >= `min_radius`.
        seed: an integer for the same values at every call; None draws from the global generator.

    Raises:
        ValueError: if the radii are negative, not finite, or in the wrong order.

    Example:

    >>> vectors = RadialUniform(1.0, 2.0, seed=1)((1000, 8))
    >>> distances = 2 * tf.norm(vectors, axis=-1)
    >>> bool(tf.reduce_min(distances) > 0.999), bool(tf.reduce_max(distances) < 2.001)
    (True, True)
    """

    def __init__(self, min_radius: float = 0.0, max_radius: float = 0.2, seed: int | None = None) -> None:
        if not 0 <= min_radius <= max_radius < float("inf"):
            raise ValueError(
                "`min_radius` and `max_radius` must be finite distances with 0 <= min_radius <= max_radius. "
                f"Received: min_radius={min_radius}, max_radius={max_radius}"
            )
        self.min_radius = float(min_radius)
        self.max_radius = float(max_radius)
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Tensor:
        """Tangent vectors at the origin, of shape `shape`, whose last axis is the dimension."""
        shape, dtype = _checked(shape, dtype, kwargs)
        direction = _normal(shape, dtype, self.seed, kwargs)
        direction = direction / tf.maximum(numerics.safe_norm(direction), numerics.eps(dtype))
        bounds = {"minval": self.min_radius / 2.0, "maxval": self.max_radius / 2.0, "dtype": dtype}
        norms_shape = [*shape[:-1], 1]
        if self.seed is None:
            return direction * tf.random.uniform(norms_shape, **bounds)
        return direction * tf.random.stateless_uniform(norms_shape, seed=_pair(self.seed + 1, kwargs), **bounds)

    def get_config(self) -> dict[str, Any]:
        return {"min_radius": self.min_radius, "max_radius": self.max_radius, "seed": self.seed}


def _checked(shape: Sequence[int], dtype: Any, kwargs: dict[str, Any]) -> tuple[list[int], tf.DType]:
    shape = [int(size) for size in kwargs.get("partition_shape") or shape]
    if not shape:
        raise ValueError("`shape` must have at least one axis, the dimension of the points. Received: shape=()")
    dtype = tf.as_dtype(dtype or tf.keras.backend.floatx())
    if not dtype.is_floating:
        raise ValueError(f"`dtype` must be a floating dtype. Received: dtype={dtype.name}")
    return shape, dtype


def _normal(shape: list[int], dtype: tf.DType, seed: int | None, kwargs: dict[str, Any]) -> Tensor:
    if seed is None:
        return tf.random.normal(shape, dtype=dtype)
    return tf.random.stateless_normal(shape, seed=_pair(seed, kwargs), dtype=dtype)


def _pair(seed: int, kwargs: dict[str, Any]) -> list[int]:
    """The seed of one piece of the variable: pieces of a partitioned table must not all be equal."""
    return [seed, sum(kwargs.get("partition_offset") or [0])]
