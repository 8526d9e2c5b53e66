"""The default optimizer of all models: Adagrad that starts like SGD."""

from __future__ import annotations

import math

import tensorflow as tf

from hyperml_tf.optimizers import RiemannianAdagrad


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
    schedule = tf.keras.optimizers.schedules.PolynomialDecay
    return RiemannianAdagrad(
        rate if decay_steps is None else schedule(rate, max(1, decay_steps), 0.0), initial_accumulator_value=accumulator
    )
