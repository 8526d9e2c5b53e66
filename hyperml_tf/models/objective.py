"""The objectives of HyperML: that of the paper, on pairs of each query, and a softmax over sampled candidates."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry.poincare.measured import MeasuredPoints
from hyperml_tf.geometry.poincare.pairs import Pairs, squared_distances_in_groups
from hyperml_tf.losses import functional
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling import Draw

# Subtracted from the logit of a candidate that is the positive itself.
_EXCLUDED = 1e9


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


def softmax_objective(
    queries: MeasuredPoints,
    candidates: MeasuredPoints,
    items: Tensor,
    drawn: Draw,
    known: Tensor,
    c: Tensor,
    sharpness: Tensor,
    distortion_weight: float,
    reference: functional.Reference,
) -> Tensor:
    """Computes the weighted sum of cross-entropies of positives among sampled candidates, and of the positives' distortions.

    The logit of a candidate is `-sharpness * d(query, candidate)^2`. As usual with a sampled softmax, candidates may be items
    that the user has interacted with; only the positive itself is left out.

    Args:
        queries: `MeasuredPoints`, `(batch, dim)`.
        candidates: `MeasuredPoints`, `(batch + groups * negatives, dim)`, the positives and then the sampled candidates.
        items: Codes of the positives, `(batch,)`.
        drawn: A `Draw`, the codes of the sampled candidates.
        known: Weights of the positives, `(batch, 1)`.
        c: Scalar >= 0, curvature.
        sharpness: Scalar > 0.
        distortion_weight: Float >= 0, weight of the distortions.
        reference: String, see `functional.euclidean_reference`.

    Returns:
        A scalar.

    Reference:
        - [Klenitskiy and Vasilev, Turning dross into gold loss, 2023](https://arxiv.org/abs/2309.07602)
    """
    batch = tf.size(items)
    positives = Pairs.of_rows(queries, candidates.rows(end=batch))
    squared = positives.squared_distance(c)
    pool = candidates.rows(begin=batch).grouped(drawn.codes.shape[1])
    grouped = MeasuredPoints(*(drawn.in_groups(part, padding=1.0) for part in queries))
    others = drawn.of_positives(squared_distances_in_groups(grouped, pool, c), batch)
    codes = tf.gather(drawn.codes, drawn.groups(batch))
    is_positive = tf.cast(codes == items[:, tf.newaxis], tf.float32)
    logits = -sharpness * tf.concat([squared, others], axis=1) - tf.pad(_EXCLUDED * is_positive, [[0, 0], [1, 0]])
    loss = tf.reduce_sum(known * (tf.reduce_logsumexp(logits, axis=1, keepdims=True) - logits[:, :1]))
    if distortion_weight == 0:
        return loss
    apart = functional.euclidean_reference(positives.tangent_distance(), reference)
    distortion = functional.distortion(numerics.safe_sqrt(squared), apart)
    return loss + distortion_weight * tf.reduce_sum(known * distortion)
