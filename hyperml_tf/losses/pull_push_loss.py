"""The pull-push loss."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import check_not_negative
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.losses.checks import check_shapes
from hyperml_tf.losses.functional import is_labelled, pull_push_per_sample
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class PullPushLoss(tf.keras.losses.Loss):
    """Pull-push loss of HyperML, a hinge that pulls observed candidates closer than unobserved ones by a margin.

        loss = sum_jk max(0, margin + d_j^2 - d_k^2)

    A sample is an anchor with `n` candidates at the distances `d`. The sum is over all pairs of an observed candidate `j` and an
    unobserved candidate `k`.

    Args:
        margin: Float >= 0, the margin, in units of squared distance. At curvature 0 distances are `2 |x - y|`, so a margin of 16
            is a margin of 4 on `|x - y|^2`. Defaults to `16.0`.
        squared: Boolean, whether `y_pred` holds squared distances, whose gradient is continuous where two points coincide.
            Defaults to `False`.
        reduction: Type of `tf.keras.losses.Reduction` to apply to the loss. Defaults to `AUTO`.
        name: Name of the loss. Defaults to `"pull_push"`.

    Call arguments:
        y_true: Labels, `(batch_size, n)`: 1 for observed, 0 for unobserved candidates. Candidates with any other label, such as
            -1 for padding, are ignored, whatever `y_pred` holds there.
        y_pred: Hyperbolic distances, `(batch_size, n)`, or their squares.
        sample_weight: Weights of the samples, `(batch_size,)`. Defaults to `None`, equal weights.

    Raises:
        ValueError: If `margin` is not a finite number >= 0. When called with `y_true` and `y_pred` of different shapes, or with
            scalars.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703), eq. 6

    Example:

    >>> float(PullPushLoss(margin=1.0)([[1, 0, 0]], [[2.0, 1.0, 3.0]]))
    4.0
    """

    def __init__(
        self,
        margin: float = 16.0,
        squared: bool = False,
        reduction: str = tf.keras.losses.Reduction.AUTO,
        name: str = "pull_push",
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        check_not_negative(margin=margin)
        self.margin = float(margin)
        self.squared = bool(squared)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each sample, `(batch_size,)`, in float32."""
        y_pred = tf.cast(numerics.promote(y_pred=y_pred)[0], tf.float32)
        check_shapes(y_true, y_pred)
        # Masked before anything is computed: a NaN in padding would be one in the sum, or in the gradient.
        y_pred = tf.where(is_labelled(y_true), y_pred, tf.zeros_like(y_pred))
        return pull_push_per_sample(y_true, y_pred if self.squared else tf.square(y_pred), self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "squared": self.squared}
