"""The objective of HyperML as a function of pairs: one positive and some negatives of each query."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.pairs import Pairs
from hyperml_tf.losses import functional
from hyperml_tf.numerics import Tensor


def objective(
    pairs: Pairs,
    known: Tensor,
    weight: Tensor,
    c: Tensor,
    margin: float,
    distortion_weight: float,
    reference: functional.Reference,
) -> Tensor:
    """Computes the weighted sum of pull-push hinges and distortions.

    Args:
        pairs: Pairs of each query with its positive, first, and its `m` negatives.
        known: Weight of the distortion of each positive, `(batch, 1)`.
        weight: Weight of the hinge and the distortion of each negative, `(batch, m)`.
        c: Scalar >= 0, curvature.
        margin: Float > 0, margin of the hinge.
        distortion_weight: Float >= 0, weight of the distortions.
        reference: String, see `functional.euclidean_reference`.

    Returns:
        A scalar.
    """
    squared = pairs.squared_distance(c)
    loss = tf.reduce_sum(weight * functional.pull_push(squared[:, :1], squared[:, 1:], margin))
    if distortion_weight == 0:
        return loss
    apart = functional.euclidean_reference(pairs.tangent_distance(), reference)
    distortion = functional.distortion(numerics.safe_sqrt(squared), apart)
    return loss + distortion_weight * tf.reduce_sum(tf.concat([known, weight], axis=1) * distortion)
