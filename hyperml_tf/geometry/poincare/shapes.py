"""The check that last axes do not broadcast. Conventions: see the docstring of `hyperml_tf.geometry.poincare`."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.numerics import Tensor


def check_dimension(**points: Tensor) -> None:
    """Requires tensors whose last axes, the coordinates, are equal.

    TensorFlow would broadcast a last axis of size 1 in silence. Sizes that are known in advance are compared at once, others
    when the graph runs.

    Args:
        **points: Tensors `(..., dim)` by the name of the argument.

    Raises:
        ValueError: If a tensor is a scalar, or if two last axes differ.
        tf.errors.InvalidArgumentError: When a graph runs in which they differ.
    """
    for name, value in points.items():
        if value.shape.rank == 0:
            raise ValueError(f"`{name}` must have shape (..., dim). Received: a scalar")
    sizes = {name: value.shape[-1] if value.shape.rank else None for name, value in points.items()}
    known = {size for size in sizes.values() if size is not None}
    if len(known) > 1:
        names, shapes = (" and ".join(parts) for parts in (map("`{}`".format, points), _shapes(points)))
        raise ValueError(
            f"{names} must have the same last axis, the coordinates; only leading axes broadcast. Received: {shapes}"
        )
    if None in sizes.values():
        first, *others = points.values()
        for other in others:
            tf.debugging.assert_equal(
                tf.shape(first)[-1],
                tf.shape(other)[-1],
                f"The last axes of {', '.join(points)} must be equal: only leading axes broadcast.",
            )


def check_weights(x: Tensor, weights: Tensor) -> None:
    """Requires weights `(..., n)` of points `(..., n, dim)`.

    Raises:
        ValueError: If there are not as many weights as points.
    """
    if x.shape.rank is not None and x.shape.rank < 2:
        raise ValueError(f"`x` must have shape (..., n, dim). Received: shape {x.shape}")
    if weights.shape.rank == 0 or not weights.shape[-1:].is_compatible_with(x.shape[-2:-1]):
        raise ValueError(
            "`weights` must have shape (..., n) for points of shape (..., n, dim). "
            f"Received: weights of shape {weights.shape} and points of shape {x.shape}"
        )


def _shapes(points: dict[str, Tensor]) -> list[str]:
    return [f"{name} of shape {value.shape}" for name, value in points.items()]
