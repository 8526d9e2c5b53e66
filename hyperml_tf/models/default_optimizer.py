"""The optimizer that a model is trained with unless another is given."""

from __future__ import annotations

import math

import tensorflow as tf

from hyperml_tf.optimizers import RiemannianAdagrad

LEARNING_RATE = 0.5
"""The initial learning rate, chosen by validation together with the accumulator below."""
_ACCUMULATOR = 100.0


def default_optimizer(
    mode: str, dim: int, learning_rate: float = LEARNING_RATE, decay_steps: int | None = None
) -> RiemannianAdagrad:
    """Adagrad with a large initial accumulator, scaled so that one learning rate serves both modes.

    The accumulator starts at what the squared gradients of a few triplets add up to. Rows seen less than that move as under
    SGD, in proportion to what pulls them; the rows of popular items and busy users are damped. Adagrad from 0 moves a row
    that was seen once as far as one seen often, and is clearly worse on sparse data.

    In direct mode `RiemannianAdagrad` keeps one accumulator a point, a sum over `dim` coordinates, where in tangent mode it keeps
    one a coordinate: accumulator and learning rate are scaled so that both modes take steps of one length.

    Args:
        mode: "tangent" or "direct".
        dim: dimension of the space.
        learning_rate: the initial learning rate, in units of a tangent coordinate.
        decay_steps: the number of steps over which the learning rate falls linearly to 0; constant if None.

    Returns:
        A new optimizer.

    Example:

    >>> float(default_optimizer("tangent", dim=64).learning_rate)
    0.5
    """
    accumulator = _ACCUMULATOR
    if mode == "direct":
        accumulator *= dim
        # A tangent vector of length 1 is a distance of lambda_0 = 2.
        learning_rate *= 2.0 * math.sqrt(dim)
    rate = learning_rate
    if decay_steps is not None:
        rate = tf.keras.optimizers.schedules.PolynomialDecay(learning_rate, max(1, decay_steps), 0.0)
    return RiemannianAdagrad(rate, initial_accumulator_value=accumulator)
