"""The optimizer that a model is trained with unless another is given."""

from __future__ import annotations

import math

import tensorflow as tf

from hyperml_tf.optimizers import RiemannianAdagrad

LEARNING_RATE = 0.05
"""Found by trials on a sparse and a dense table, as the numbers below; the README says how."""

# The squared gradients that a row has to add up before Adagrad starts to damp it, and a factor on the learning rate.
_UNDAMPED = {"tangent": 6400.0, "direct": 400.0}
_FACTOR = {"tangent": 1.0, "direct": 1.5}


def default_optimizer(
    mode: str, dim: int, learning_rate: float = LEARNING_RATE, decay_steps: int | None = None
) -> RiemannianAdagrad:
    """Adagrad that starts like SGD.

    Its accumulators start high, at what the squared gradients of a few dozen triplets add up to. A row seen less than that
    moves by `learning_rate` times its gradient, as under SGD, so in proportion to what pulls it; the rows of popular items and
    busy users are damped. Adagrad from 0 moves a row that was seen once as far as one seen often, and is clearly worse on
    sparse data.

    Args:
        mode: "tangent" or "direct". `RiemannianAdagrad` keeps an accumulator a coordinate for tangent vectors and one a point
            for points; the numbers are scaled so that one `learning_rate` serves both, and every dimension.
        dim: dimension of the space.
        learning_rate: the initial rate of a row that is seen rarely.
        decay_steps: the number of steps over which the learning rate falls linearly to 0; constant if None.

    Returns:
        A new optimizer.

    Example:

    >>> optimizer = default_optimizer("tangent", dim=64)
    >>> float(optimizer.learning_rate), optimizer.initial_accumulator_value
    (0.5, 100.0)
    """
    return undamped_adagrad(
        learning_rate * _FACTOR[mode], _UNDAMPED[mode] / (dim if mode == "tangent" else 1), decay_steps
    )


def undamped_adagrad(learning_rate: float, accumulator: float, decay_steps: int | None = None) -> RiemannianAdagrad:
    """Adagrad whose accumulators start at `accumulator`, with its rate scaled so that a rare row moves as under SGD.

    Args:
        learning_rate: what a row that is seen rarely moves by, times its gradient.
        accumulator: the squared gradients that have to add up before steps become smaller.
        decay_steps: the number of steps over which the learning rate falls linearly to 0; constant if None.
    """
    rate = learning_rate * math.sqrt(accumulator)
    schedule = tf.keras.optimizers.schedules.PolynomialDecay
    return RiemannianAdagrad(
        rate if decay_steps is None else schedule(rate, max(1, decay_steps), 0.0), initial_accumulator_value=accumulator
    )
