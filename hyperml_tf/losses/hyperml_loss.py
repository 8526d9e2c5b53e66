"""The whole objective of HyperML as one Keras loss."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.losses.functional import Reference, check_reference, distortion, euclidean_reference, row_pull_push
from hyperml_tf.losses.labelled_rows import check_margin, check_rows
from hyperml_tf.numerics import Tensor


@register
class HyperMLLoss(tf.keras.losses.Loss):
    """Pull-push loss plus `distortion_weight` times the distortion, both summed over the row.

    `L = L_P + gamma L_D` of HyperML (arXiv 1809.01703, eq. 9): a row with one observed and one unobserved candidate, a triplet,
    contributes one hinge and two distortions.

    Args:
        margin: the margin of the hinge, in units of squared distance, >= 0.
        distortion_weight: the weight `gamma` of the distortion, >= 0.
        reference: the reference distance of the distortion, "conformal" or "tangent": see `DistortionLoss`.
        reduction: how the values of the rows are reduced, as for every Keras loss.
        name: the name of the loss.

    Raises:
        ValueError: if `margin` or `distortion_weight` is negative or not finite, or `reference` is unknown; on a call, if the
            shapes are not the ones below.

    Call arguments:
        y_true: labels, `(batch, n)`: 1 observed, 0 unobserved, any other value (say -1) is padding and is ignored.
        y_pred: `(batch, n, 2)`: `[..., 0]` the hyperbolic distance, `[..., 1]` the Euclidean distance `|u - v|` of the tangent
            vectors at the origin.
        sample_weight: weights of the rows, `(batch,)`.

    Example:

    >>> float(HyperMLLoss(margin=1.0, distortion_weight=2.0)([[1, 0]], [[[3.0, 1.0], [1.0, 0.5]]]))
    10.0
    """

    def __init__(
        self,
        margin: float = 16.0,
        distortion_weight: float = 1.0,
        reference: Reference = "conformal",
        reduction: str = tf.keras.losses.Reduction.AUTO,
        name: str = "hyperml",
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if not 0 <= distortion_weight < float("inf"):
            raise ValueError(
                f"`distortion_weight` must be a finite number >= 0. Received: distortion_weight={distortion_weight}"
            )
        check_reference(reference)
        self.margin = check_margin(margin)
        self.distortion_weight = float(distortion_weight)
        self.reference: Reference = reference

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each row, `(batch,)`, float32."""
        y_pred = tf.cast(y_pred, tf.float32)
        check_rows(y_true, y_pred, trailing=(2,))
        distances, tangent_distances = tf.unstack(y_pred, num=2, axis=-1)
        labelled = tf.cast(tf.logical_or(tf.equal(y_true, 0), tf.equal(y_true, 1)), tf.float32)
        distortions = distortion(distances, euclidean_reference(tangent_distances, self.reference)) * labelled
        hinges = row_pull_push(y_true, tf.square(distances), self.margin)
        return hinges + self.distortion_weight * tf.reduce_sum(distortions, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "distortion_weight": self.distortion_weight,
            "reference": self.reference,
        }
