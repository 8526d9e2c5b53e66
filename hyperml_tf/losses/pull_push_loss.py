"""The pull-push loss over labelled rows of distances."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.losses.functional import row_pull_push
from hyperml_tf.losses.labelled_rows import check_margin, check_rows
from hyperml_tf.numerics import Tensor


@register
class PullPushLoss(tf.keras.losses.Loss):
    """Sum over pairs (observed j, unobserved k) of a row: `[margin + d(i, j)^2 - d(i, k)^2]_+`.

    The pull-push loss of HyperML (arXiv 1809.01703, eq. 6). A row is one anchor with the distances to `n` candidates.

    Args:
        margin: the margin, in units of *squared* distance, >= 0. At curvature 0 distances are `2 |x - y|`, so a margin of 16 here
            is one of 4 on `|x - y|^2`.
        squared: whether `y_pred` already holds squared distances, which are smooth where distances have a kink.
        reduction: how the values of the rows are reduced, as for every Keras loss.
        name: the name of the loss.

    Raises:
        ValueError: if `margin` is negative or not finite; on a call, if `y_true` or `y_pred` has no axis of candidates or
            their shapes differ.

    Call arguments:
        y_true: labels, `(batch, n)`: 1 observed, 0 unobserved, any other value (say -1) is padding and is ignored.
        y_pred: distances, `(batch, n)`, in units of the space.
        sample_weight: weights of the rows, `(batch,)`.

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
        self.margin = check_margin(margin)
        self.squared = bool(squared)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each row, `(batch,)`, float32."""
        y_pred = tf.cast(y_pred, tf.float32)
        check_rows(y_true, y_pred)
        return row_pull_push(y_true, y_pred if self.squared else tf.square(y_pred), self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "squared": self.squared}
