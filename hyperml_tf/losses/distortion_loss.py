"""The distortion loss."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.losses.functional import Reference, check_reference, distortion, euclidean_reference
from hyperml_tf.losses.labelled_rows import check_rows
from hyperml_tf.numerics import Tensor


@register
class DistortionLoss(tf.keras.losses.Loss):
    """Mean over the last axis of `|d - d_E| / d_E`: how far the map to the ball is from keeping distances.

    The distortion of HyperML (arXiv 1809.01703, eq. 8), for points `expmap0(u)` and `expmap0(v)`. As Keras losses do, it
    averages over the last axis; `HyperMLLoss` sums over the pairs of a row, as the objective of the paper does.

    Args:
        reference: what `d_E` is, given the Euclidean distance `|u - v|` of the tangent vectors. "conformal": `2 |u - v|`, the
            length the metric at the origin gives (`lambda_0 = 2`), for which the loss has the floor 0. "tangent": `|u - v|`,
            as printed in the paper; because `d >= 2 |u - v|`, every pair then has a distortion of 1 or more.
        reduction: how the values of the rows are reduced, as for every Keras loss.
        name: the name of the loss.

    Raises:
        ValueError: if `reference` is unknown; on a call, if `y_true` or `y_pred` is a scalar or their shapes differ.

    Call arguments:
        y_true: Euclidean distances `|u - v|` of the tangent vectors, `(batch, n)`. A pair at distance 0 contributes 0.
        y_pred: hyperbolic distances, `(batch, n)`.
        sample_weight: weights of the rows, `(batch,)`.

    Example:

    >>> float(DistortionLoss()([[1.0, 0.0]], [[3.0, 0.0]]))
    0.25
    """

    def __init__(
        self,
        reference: Reference = "conformal",
        reduction: str = tf.keras.losses.Reduction.AUTO,
        name: str = "distortion",
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        check_reference(reference)
        self.reference: Reference = reference

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each row, `(batch,)`, float32."""
        y_pred, y_true = tf.cast(y_pred, tf.float32), tf.cast(y_true, tf.float32)
        check_rows(y_true, y_pred)
        return tf.reduce_mean(distortion(y_pred, euclidean_reference(y_true, self.reference)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reference": self.reference}
