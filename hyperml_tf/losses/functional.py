"""The terms of the HyperML objective, elementwise, as the losses and the model use them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.numerics import Tensor

Reference = Literal["conformal", "tangent"]
_REFERENCES = ("conformal", "tangent")


@names_arguments
def pull_push(positive_sq: Tensor, negative_sq: Tensor, margin: float) -> Tensor:
    """Pull-push hinge `max(0, margin + d(i, j)^2 - d(i, k)^2)` of an observed pair `(i, j)` and an unobserved pair `(i, k)`.

    Args:
        positive_sq: Squared distances of the observed pairs, any shape.
        negative_sq: Squared distances of the unobserved pairs, of a shape that broadcasts with that of `positive_sq`.
        margin: Float >= 0, the margin, in units of squared distance.

    Returns:
        Hinges of the broadcast shape, float32 or float64.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703), section 3.2

    Example:

    >>> pull_push([[1.0]], [[4.0, 30.0]], margin=16.0).numpy()
    array([[13.,  0.]], dtype=float32)
    """
    positive_sq, negative_sq = numerics.promote(positive_sq=positive_sq, negative_sq=negative_sq)
    return tf.nn.relu(margin + positive_sq - negative_sq)


@names_arguments
def distortion(distance: Tensor, euclidean: Tensor) -> Tensor:
    """Distortion `|d - d_E| / d_E` of hyperbolic distances `d` with respect to reference distances `d_E`.

    Args:
        distance: Hyperbolic distances, any shape.
        euclidean: Reference distances >= 0 of the same shape; see `euclidean_reference`.

    Returns:
        Distortions of the same shape, float32 or float64. Where `d_E = 0`, the distortion and its gradients are 0.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703), section 3.3

    Example:

    >>> distortion([3.0, 0.0], [2.0, 0.0]).numpy()
    array([0.5, 0. ], dtype=float32)
    """
    distance, euclidean = numerics.promote(distance=distance, euclidean=euclidean)
    # Negated, so that a NaN is apart, and the result NaN.
    apart = tf.logical_not(euclidean <= np.finfo(euclidean.dtype.as_numpy_dtype).tiny)
    # Masked before the division: `tf.where` passes on the NaN gradient of the branch that is not taken.
    safe = tf.where(apart, euclidean, tf.ones_like(euclidean))
    distance = tf.where(apart, distance, safe)
    return tf.where(apart, tf.abs(distance - safe) / safe, tf.zeros_like(safe))


def is_labelled(labels: Tensor) -> Tensor:
    """Whether each candidate is observed or unobserved, label 1 or 0. Any other label, also NaN, is padding."""
    return tf.logical_or(tf.equal(labels, 0), tf.equal(labels, 1))


@names_arguments
def euclidean_reference(tangent_distance: Tensor, reference: Reference = "conformal") -> Tensor:
    """Reference distance `d_E` of the distortion, from the Euclidean distance `|u - v|` of two tangent vectors at the origin.

    Distances satisfy `d(expmap0(u), expmap0(v)) >= 2 |u - v|`, because the metric at the origin is `lambda_0 = 2` times the
    Euclidean one. Equality holds at `c = 0`, for vectors on one line through the origin, and in the limit of short vectors. With
    respect to `|u - v|`, as printed in the paper, every pair therefore has a distortion of at least 1, and the loss can only
    flatten the space. With respect to `2 |u - v|`, the minimum is 0.

    Args:
        tangent_distance: Euclidean distances `|u - v|`, any shape.
        reference: `"conformal"` for `2 |u - v|`, `"tangent"` for `|u - v|`. Defaults to `"conformal"`.

    Returns:
        Reference distances of the same shape.

    Raises:
        ValueError: If `reference` is unknown.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703), section 3.3

    Example:

    >>> float(euclidean_reference(tf.constant(1.5)))
    3.0
    """
    check_reference(reference)
    return 2.0 * tangent_distance if reference == "conformal" else tangent_distance


def check_reference(reference: str) -> None:
    """Requires a known `reference`.

    Raises:
        ValueError: If it is unknown.
    """
    if reference not in _REFERENCES:
        raise ValueError(f"`reference` must be one of {_REFERENCES}. Received: reference={reference!r}")


def pull_push_per_sample(labels: Tensor, squared: Tensor, margin: float) -> Tensor:
    """Sum of `pull_push` over all pairs of an observed and an unobserved candidate of each sample.

    Args:
        labels: 1 for observed and 0 for unobserved candidates, `(..., n)`. Candidates with any other label are ignored.
        squared: Squared distances, `(..., n)`. Those of ignored candidates must be finite, see `is_labelled`.
        margin: Float >= 0, the margin, in units of squared distance.

    Returns:
        Sums, `(...)`. The cost per sample is `O(n)` if no sample of the batch has more than one observed candidate, and `O(n^2)`
        otherwise.
    """
    squared = numerics.promote(squared=squared)[0]
    observed = tf.cast(tf.equal(labels, 1), squared.dtype)
    unobserved = tf.cast(tf.equal(labels, 0), squared.dtype)
    count = tf.reduce_sum(observed, axis=-1, keepdims=True)

    def one_observed() -> Tensor:
        positive = tf.reduce_sum(squared * observed, axis=-1, keepdims=True)
        return tf.reduce_sum(count * unobserved * pull_push(positive, squared, margin), axis=-1)

    def all_pairs() -> Tensor:
        hinges = pull_push(squared[..., :, tf.newaxis], squared[..., tf.newaxis, :], margin)
        return tf.reduce_sum(hinges * observed[..., :, tf.newaxis] * unobserved[..., tf.newaxis, :], axis=[-2, -1])

    return tf.cond(tf.reduce_all(count <= 1), one_observed, all_pairs)
