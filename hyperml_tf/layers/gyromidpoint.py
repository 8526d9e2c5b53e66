"""The midpoint of a set of points as a layer."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import HyperbolicLayer
from hyperml_tf.layers.ragged import is_ragged, padded_set
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class Gyromidpoint(HyperbolicLayer):
    """Weighted Möbius gyromidpoint of a set of points: the hyperbolic counterpart of `tf.keras.layers.GlobalAveragePooling1D`.

    It reduces the next-to-last axis of points `x_i` with weights `w_i`:

        1/2 (x) ( sum_i w_i lambda_i x_i / sum_i w_i (lambda_i - 1) ),   lambda_i = 2 / (1 - c |x_i|^2)

    where `(x)` is Möbius scalar multiplication. At `c = 0` it is the weighted mean. Points that are masked, for instance by
    `HyperbolicEmbedding(mask_zero=True)`, have weight 0; if all weights of a set are 0, its midpoint is the origin.

    Args:
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Call arguments:
        inputs: Points, `(..., n, dim)`.
        weights: Weights >= 0 of the points, `(..., n)`. Defaults to `None`, equal weights.
        mask: Boolean tensor, `(..., n)`, False for points to leave out. Defaults to `None`, no mask.

    Input shape:
        Points, `(..., n, dim)`, or ragged, `(batch, None, dim)`.

    Output shape:
        Points, `(..., dim)`.

    Raises:
        ValueError: When called with `weights` whose shape is not that of the points without the last axis.

    Reference:
        - A. Ungar, Analytic Hyperbolic Geometry, 2005

    Example:

    >>> points = tf.constant([[[0.5, 0.0], [-0.5, 0.0]]])
    >>> Gyromidpoint()(points).numpy()
    array([[0., 0.]], dtype=float32)
    >>> Gyromidpoint()(points, weights=tf.constant([[1.0, 0.0]])).numpy()
    array([[0.5, 0. ]], dtype=float32)
    """

    def call(self, inputs: Tensor, weights: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        if is_ragged(inputs):
            inputs, weights, mask = padded_set(inputs, weights, mask)
        if weights is not None:
            weights = tf.convert_to_tensor(weights)
            _check_weights(weights.shape, inputs.shape)
        if mask is not None:
            kept = tf.cast(mask, numerics.working_dtype(inputs))
            weights = kept if weights is None else kept * tf.cast(weights, kept.dtype)
        return poincare.gyromidpoint(inputs, self.curvature(), weights)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        shape = tf.TensorShape(input_shape)
        return shape[:-2].concatenate(shape[-1:])


def _check_weights(weights: tf.TensorShape, points: tf.TensorShape) -> None:
    """Requires one weight per point; leading axes of size 1 are shared by all sets."""
    sets = points[:-1]
    fits = weights[-1:].is_compatible_with(sets[-1:])
    try:
        fits = fits and tf.broadcast_static_shape(weights, sets).is_compatible_with(sets)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            "`weights` must have shape (..., n) for `inputs` of shape (..., n, dim). "
            f"Received: weights of shape {weights} and inputs of shape {points}"
        )
