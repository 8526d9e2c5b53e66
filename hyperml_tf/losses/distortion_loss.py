"""The distortion loss."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.losses.checks import check_shapes
from hyperml_tf.losses.functional import Reference, check_reference, distortion, euclidean_reference
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class DistortionLoss(tf.keras.losses.Loss):
    """Distortion of distances by the map from tangent vectors to the ball, averaged over the last axis.

        loss = mean(|d - d_E| / d_E)

    For tangent vectors `u` and `v` at the origin, `d` is the hyperbolic distance between `expmap0(u)` and `expmap0(v)`, and
    `d_E` is a multiple of `|u - v|`. As Keras losses do, the loss averages over the last axis; `HyperMLLoss` sums over it, as
    the objective of the paper does.

    Args:
        reference: `"conformal"` for `d_E = 2 |u - v|`, for which the minimum of the loss is 0; or `"tangent"` for
            `d_E = |u - v|`, as printed in the paper, for which every pair has a distortion of at least 1; see
            `euclidean_reference`. Defaults to `"conformal"`.
        reduction: Type of `tf.keras.losses.Reduction` to apply to the loss. Defaults to `AUTO`.
        name: Name of the loss. Defaults to `"distortion"`.

    Call arguments:
        y_true: Euclidean distances `|u - v|` between the tangent vectors, `(batch_size, n)`. A pair at distance 0 has
            distortion 0.
        y_pred: Hyperbolic distances, `(batch_size, n)`.
        sample_weight: Weights of the samples, `(batch_size,)`. Defaults to `None`, equal weights.

    Raises:
        ValueError: If `reference` is unknown. When called with `y_true` and `y_pred` of different shapes, or with scalars.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703), eq. 8

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
        """The loss of each sample, `(batch_size,)`, in float32."""
        y_pred, y_true = (tf.cast(value, tf.float32) for value in numerics.promote(y_pred=y_pred, y_true=y_true))
        check_shapes(y_true, y_pred)
        return tf.reduce_mean(distortion(y_pred, euclidean_reference(y_true, self.reference)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reference": self.reference}
