"""The default optimizers: Adagrad that starts like SGD, and Adam for the softmax loss."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam

# A step of Adam is about as long as its learning rate: per coordinate of a tangent vector, but per point of the ball. With this
# factor, times the root of the dimension in direct mode, learning rates have about the same effect as in the other optimizers.
_ADAM = 0.1


def undamped_adagrad(learning_rate: float, accumulator: float, decay_steps: int | None = None) -> RiemannianAdagrad:
    """Returns Adagrad with large initial accumulators, and a learning rate scaled so that rare rows move as under SGD.

    The accumulators start at about the sum of the squared gradients of a few dozen positives. Rows with fewer positives take SGD
    steps of `learning_rate` times the gradient; the steps of popular items and active users become smaller. Adagrad with small
    accumulators takes equally large first steps for all rows and is clearly worse on sparse data.

    Args:
        learning_rate: Float > 0, the learning rate of rows that are rarely updated.
        accumulator: Float > 0, the initial value of the accumulators.
        decay_steps: Optional integer, the number of steps over which the learning rate decays linearly to 0. Defaults to `None`,
            a constant learning rate.
    """
    rate = learning_rate * math.sqrt(accumulator)
    return RiemannianAdagrad(_falling(rate, decay_steps), initial_accumulator_value=accumulator)


def adam(learning_rate: float, decay_steps: int | None = None, points_of: int = 1) -> RiemannianAdam:
    """Returns Adam with a learning rate on the scale of the other optimizers.

    Args:
        learning_rate: Float > 0, which is multiplied by a tenth.
        decay_steps: As for `undamped_adagrad`. Defaults to `None`, a constant learning rate.
        points_of: Integer, the dimension of the space if points of the ball are trained. Defaults to `1`: tangent vectors are.
    """
    return RiemannianAdam(_falling(_ADAM * learning_rate * math.sqrt(points_of), decay_steps))


def _falling(rate: float, decay_steps: int | None) -> Any:
    if decay_steps is None:
        return rate
    return tf.keras.optimizers.schedules.PolynomialDecay(rate, max(1, decay_steps), 0.0)
