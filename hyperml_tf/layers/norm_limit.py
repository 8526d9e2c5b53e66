"""A limit on the norm of vectors, with a gradient that lets a vector beyond it return."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.numerics import Tensor


def limit_norm(x: Tensor, limit: Tensor) -> Tensor:
    """Rescales vectors longer than `limit` to that norm, with a gradient that can shorten them again.

    The exact gradient of the rescaling has no radial component, so a vector that once overshot would stay at the limit for good.
    Here the radial component is kept when a descent step along it shortens the vector.

    Args:
        x: Vectors, `(..., dim)`.
        limit: Scalar, the largest norm.

    Returns:
        Vectors, `(..., dim)`, unchanged where `|x| <= limit`.
    """
    beyond = tf.reduce_any(numerics.squared_norm(tf.stop_gradient(x)) > tf.square(limit))
    # In most steps no row is beyond the limit, and the norms are all that is computed.
    return tf.cond(beyond, lambda: x * limit_factor(numerics.safe_norm(x), limit), lambda: tf.identity(x))


def limit_factor(norm: Tensor, limit: Tensor) -> Tensor:
    """The factor by which `limit_norm` scales vectors of the given norm, of the shape of `norm`."""
    outside = norm > limit
    length = tf.where(outside, norm, tf.ones_like(norm))
    # The second term is 0. It only carries the radial gradient.
    factor = limit / length + (_only_inward(length) - tf.stop_gradient(length)) / tf.stop_gradient(length)
    return tf.where(outside, factor, tf.ones_like(factor))


@tf.custom_gradient
def _only_inward(norm: Tensor) -> Any:
    """The identity, with the gradient clipped to values >= 0, for which a descent step makes the norm smaller."""
    return tf.identity(norm), tf.nn.relu


@tf.custom_gradient
def limited_expmap0_factor(squared_norm: Tensor, limit: Tensor, c: Tensor) -> Any:
    """The factor by which `limit_norm` followed by `expmap0` scales a tangent vector, from its squared norm, `(..., 1)`.

    The projection of `expmap0` is not needed, because the limit is inside the ball. The gradient in closed form takes a third of
    the operations.
    """
    outside = squared_norm > tf.square(limit)
    norm = tf.sqrt(tf.where(outside, squared_norm, tf.ones_like(squared_norm)))
    kept = tf.where(outside, limit / norm, tf.ones_like(norm))
    s = c * squared_norm * tf.square(kept)
    factor = kept * numerics.tanh_ratio(s)

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ratio, slope = numerics.tanh_ratio(s), numerics.tanh_ratio_slope(s)
        along = upstream * (ratio + 2.0 * s * slope) / norm
        # Beyond the limit the output does not depend on the norm, but a gradient that shortens the vector passes.
        beyond = (tf.nn.relu(along) - upstream * factor / norm) / (2.0 * norm)
        return (
            tf.where(outside, beyond, upstream * c * slope),
            tf.reduce_sum(tf.where(outside, along, tf.zeros_like(along))),
            tf.reduce_sum(upstream * slope * squared_norm * kept**3),
        )

    return factor, gradient
