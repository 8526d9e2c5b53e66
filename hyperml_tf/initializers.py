"""Initializers that place points by their distance from the origin.

They return tangent vectors at the origin. A tangent vector of norm `r / 2` is mapped by `expmap0` to the point at distance `r` in
its direction, whatever the curvature, so initializers do not need to know the curvature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import check_not_negative
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor

__all__ = ["RadialUniform", "WrappedNormal"]


@names_arguments
@register
class WrappedNormal(tf.keras.initializers.Initializer):
    """Wrapped normal distribution around the origin: tangent vectors with independent, normally distributed coordinates.

    The standard deviation of a coordinate is `radius / (2 sqrt(dim))`, so `radius` is the root mean square of the distance from
    the origin in every dimension. With the default at `dim = 64`, it is 0.01.

    Args:
        radius: Float >= 0, the root mean square of the hyperbolic distance from the origin. Defaults to `0.16`.
        seed: Integer, for the same values at every call. Defaults to `None`, which draws from the global generator.

    Call arguments:
        shape: Shape of the tensor, `(..., dim)`.
        dtype: Floating dtype of the tensor. Defaults to `None`, which is `tf.keras.backend.floatx()`.

    Raises:
        ValueError: If `radius` is not a finite number >= 0. When called with an empty shape or a dtype that is not floating.

    Reference:
        - [Nagano et al., A Wrapped Normal Distribution on Hyperbolic Space, 2019](https://arxiv.org/abs/1902.02992)

    Example:

    >>> vectors = WrappedNormal(radius=0.16, seed=1)((1000, 64))
    >>> distances = 2 * tf.norm(vectors, axis=-1)
    >>> round(float(tf.sqrt(tf.reduce_mean(distances**2))), 2)
    0.16
    """

    def __init__(self, radius: float = 0.16, seed: int | None = None) -> None:
        check_not_negative(radius=radius)
        self.radius = float(radius)
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws tangent vectors at the origin; see the call arguments of the class."""
        shape, dtype = _checked(shape, dtype, kwargs)
        return _normal(shape, dtype, self.seed, kwargs) * (self.radius / 2.0 / max(shape[-1], 1) ** 0.5)

    def get_config(self) -> dict[str, Any]:
        return {"radius": self.radius, "seed": self.seed}


@names_arguments
@register
class RadialUniform(tf.keras.initializers.Initializer):
    """Tangent vectors with uniform directions and a uniform distance of their points from the origin.

    In high dimension `WrappedNormal` places nearly all points at one distance from the origin; this initializer spreads them over
    an interval of distances.

    Args:
        min_radius: Float >= 0, the smallest hyperbolic distance from the origin. Defaults to `0.0`.
        max_radius: Float >= `min_radius`, the largest hyperbolic distance from the origin. Defaults to `0.2`.
        seed: Integer, for the same values at every call. Defaults to `None`, which draws from the global generator.

    Call arguments:
        shape: Shape of the tensor, `(..., dim)`.
        dtype: Floating dtype of the tensor. Defaults to `None`, which is `tf.keras.backend.floatx()`.

    Raises:
        ValueError: If `min_radius` and `max_radius` are not finite numbers with `0 <= min_radius <= max_radius`. When called with
            an empty shape or a dtype that is not floating.

    Example:

    >>> vectors = RadialUniform(1.0, 2.0, seed=1)((1000, 8))
    >>> distances = 2 * tf.norm(vectors, axis=-1)
    >>> bool(tf.reduce_min(distances) > 0.999), bool(tf.reduce_max(distances) < 2.001)
    (True, True)
    """

    def __init__(self, min_radius: float = 0.0, max_radius: float = 0.2, seed: int | None = None) -> None:
        if not 0 <= min_radius <= max_radius < float("inf"):
            raise ValueError(
                "`min_radius` and `max_radius` must be finite numbers with 0 <= min_radius <= max_radius. "
                f"Received: min_radius={min_radius}, max_radius={max_radius}"
            )
        self.min_radius = float(min_radius)
        self.max_radius = float(max_radius)
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Tensor:
        """Draws tangent vectors at the origin; see the call arguments of the class."""
        shape, dtype = _checked(shape, dtype, kwargs)
        direction = _normal(shape, dtype, self.seed, kwargs)
        direction = direction / tf.maximum(numerics.safe_norm(direction), numerics.eps(dtype))
        bounds = {"minval": self.min_radius / 2.0, "maxval": self.max_radius / 2.0, "dtype": dtype}
        norms_shape = [*shape[:-1], 1]
        if self.seed is None:
            return direction * tf.random.uniform(norms_shape, **bounds)
        return direction * tf.random.stateless_uniform(
            norms_shape, seed=_stateless_seed(self.seed + 1, kwargs), **bounds
        )

    def get_config(self) -> dict[str, Any]:
        return {"min_radius": self.min_radius, "max_radius": self.max_radius, "seed": self.seed}


def _checked(shape: Sequence[int], dtype: Any, kwargs: dict[str, Any]) -> tuple[list[int], tf.DType]:
    shape = [int(size) for size in kwargs.get("partition_shape") or shape]
    if not shape:
        raise ValueError("`shape` must have at least one axis, the dimension of the points. Received: shape=[]")
    dtype = tf.as_dtype(dtype or tf.keras.backend.floatx())
    if not dtype.is_floating:
        raise ValueError(f"`dtype` must be a floating dtype. Received: dtype={dtype.name}")
    return shape, dtype


def _normal(shape: list[int], dtype: tf.DType, seed: int | None, kwargs: dict[str, Any]) -> Tensor:
    if seed is None:
        return tf.random.normal(shape, dtype=dtype)
    return tf.random.stateless_normal(shape, seed=_stateless_seed(seed, kwargs), dtype=dtype)


def _stateless_seed(seed: int, kwargs: dict[str, Any]) -> list[int]:
    """The stateless seed of one shard of the variable, so that the shards of a partitioned variable differ."""
    return [seed, sum(kwargs.get("partition_offset") or [0])]
