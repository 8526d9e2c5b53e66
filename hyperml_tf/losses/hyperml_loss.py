"""The objective of HyperML as one loss."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import check_not_negative
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.losses.checks import check_shapes
from hyperml_tf.losses.functional import (
    Reference,
    check_reference,
    distortion,
    euclidean_reference,
    is_labelled,
    pull_push_per_sample,
)
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class HyperMLLoss(tf.keras.losses.Loss):
    """Objective of HyperML: the pull-push loss plus the weighted distortion, both summed over the candidates of a sample.

        loss = sum_jk max(0, margin + d_j^2 - d_k^2) + distortion_weight * sum_l |d_l - d_E,l| / d_E,l

    A sample is an anchor with `n` candidates at the distances `d`. The first sum is over all pairs of an observed candidate `j`
    and an unobserved candidate `k`, the second over both kinds. A triplet, with one candidate of each kind, has one hinge and
    two distortions.

    Args:
        margin: Float >= 0, the margin of the hinge, in units of squared distance. Defaults to `16.0`.
        distortion_weight: Float >= 0, the weight of the distortion, gamma in the paper. Defaults to `1.0`.
        reference: `"conformal"` or `"tangent"`, the reference distance `d_E`; see `DistortionLoss`. Defaults to `"conformal"`.
        reduction: Type of `tf.keras.losses.Reduction` to apply to the loss. Defaults to `AUTO`.
        name: Name of the loss. Defaults to `"hyperml"`.

    Call arguments:
        y_true: Labels, `(batch_size, n)`: 1 for observed, 0 for unobserved candidates. Candidates with any other label, such as
            -1 for padding, are ignored, whatever `y_pred` holds there.
        y_pred: Distances, `(batch_size, n, 2)`: `y_pred[..., 0]` are the hyperbolic distances and `y_pred[..., 1]` the Euclidean
            distances `|u - v|` between the tangent vectors at the origin.
        sample_weight: Weights of the samples, `(batch_size,)`. Defaults to `None`, equal weights.

    Raises:
        ValueError: If `margin` or `distortion_weight` is not a finite number >= 0, or `reference` is unknown. When called with
            `y_true` and `y_pred` of other shapes.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703), eq. 9

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
        check_not_negative(margin=margin, distortion_weight=distortion_weight)
        check_reference(reference)
        self.margin = float(margin)
        self.distortion_weight = float(distortion_weight)
        self.reference: Reference = reference

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each sample, `(batch_size,)`, in float32."""
        y_pred = tf.cast(numerics.promote(y_pred=y_pred)[0], tf.float32)
        check_shapes(y_true, y_pred, trailing=(2,))
        # Masked before anything is computed: a NaN in padding would be one in the sum, or in the gradient. The distortion of two
        # zeros is 0.
        y_pred = tf.where(is_labelled(y_true)[..., tf.newaxis], y_pred, tf.zeros_like(y_pred))
        distances, tangent_distances = tf.unstack(y_pred, num=2, axis=-1)
        distortions = distortion(distances, euclidean_reference(tangent_distances, self.reference))
        hinges = pull_push_per_sample(y_true, tf.square(distances), self.margin)
        return hinges + self.distortion_weight * tf.reduce_sum(distortions, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "distortion_weight": self.distortion_weight,
            "reference": self.reference,
        }
