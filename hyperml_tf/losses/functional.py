"""The two terms of the HyperML objective, elementwise: what the losses and the model share.

Source: L. V. Tran et al., *HyperML* (WSDM 2020), arXiv 1809.01703, sections 3.2 and 3.3.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.numerics import Tensor

Reference = Literal["conformal", "tangent"]
REFERENCES = ("conformal", "tangent")


def pull_push(positive_sq: Tensor, negative_sq: Tensor, margin: float) -> Tensor:
    """The pull-push hinge `[margin + d(i, j)^2 - d(i, k)^2]_+`.

    Args:
        positive_sq: squared distances of observed pairs, any shape.
        negative_sq: squared distances of unobserved pairs, of a shape that broadcasts with it.
        margin: the margin, in units of squared distance, >= 0.

    Returns:
        Hinges of the broadcast shape, float32 or wider.

    Example:

    >>> pull_push([[1.0]], [[4.0, 30.0]], margin=16.0).numpy().tolist()
    [[13.0, 0.0]]
    """
    positive_sq, negative_sq = numerics.promote(positive_sq, negative_sq)
    return tf.nn.relu(margin + positive_sq - negative_sq)


def distortion(distance: Tensor, euclidean: Tensor) -> Tensor:
    """The distortion `|d - d_E| / d_E` of a distance against a reference distance.

    Args:
        distance: hyperbolic distances, any shape.
        euclidean: reference distances `d_E >= 0`, of the same shape; see `euclidean_reference`.

    Returns:
        Distortions, float32 or wider. A pair with `d_E = 0` has distortion 0 and no gradient.

    Example:

    >>> distortion([3.0, 0.0], [2.0, 0.0]).numpy().tolist()
    [0.5, 0.0]
    """
    distance, euclidean = numerics.promote(distance, euclidean)
    apart = euclidean > np.finfo(euclidean.dtype.as_numpy_dtype).tiny
    # The mask comes before the division: `tf.where` does not stop a NaN gradient from the branch not taken.
    safe = tf.where(apart, euclidean, tf.ones_like(euclidean))
    return tf.where(apart, tf.abs(distance - safe) / safe, tf.zeros_like(safe))


def euclidean_reference(tangent_distance: Tensor, reference: Reference = "conformal") -> Tensor:
    """The reference distance `d_E` of the distortion, from the Euclidean distance `|u - v|` of two tangent vectors.

    The metric at the origin is `lambda_0 = 2` times the Euclidean one, so `d(expmap0(u), expmap0(v)) >= 2 |u - v|`, with equality
    for two vectors on one ray and in the limit of small vectors. Against `|u - v|`, the form the paper prints, the distortion
    is therefore at least 1 for *every* pair and can only flatten the space; against `2 |u - v|` its floor is 0.

    Args:
        tangent_distance: `|u - v|`, any shape.
        reference: "conformal" for `2 |u - v|`, "tangent" for `|u - v|`.

    Returns:
        Reference distances of the same shape.

    Raises:
        ValueError: if `reference` is unknown.

    Example:

    >>> float(euclidean_reference(tf.constant(1.5)))
    3.0
    """
    check_reference(reference)
    return 2.0 * tangent_distance if reference == "conformal" else tangent_distance


def check_reference(reference: str) -> None:
    """Raises a ValueError if `reference` is unknown."""
    if reference not in REFERENCES:
        raise ValueError(f"`reference` must be one of {REFERENCES}. Received: reference={reference!r}")


def row_pull_push(labels: Tensor, squared: Tensor, margin: float) -> Tensor:
    """The sum of `pull_push` over all pairs (observed, unobserved) of each row.

    Args:
        labels: `(..., n)`: 1 observed, 0 unobserved, anything else is ignored.
        squared: squared distances, `(..., n)`.
        margin: the margin, in units of squared distance.

    Returns:
        Sums, `(...)`. Rows with one observed entry or none cost `n`; if any row of the batch has more, all cost `n^2`.
    """
    squared = numerics.promote(squared)[0]
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
