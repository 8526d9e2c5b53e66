"""Adagrad that starts like SGD: the optimizer models are trained with unless another is given."""

from __future__ import annotations

import math

import tensorflow as tf

from hyperml_tf.optimizers import RiemannianAdagrad


def undamped_adagrad(learning_rate: float, accumulator: float, decay_steps: int | None = None) -> RiemannianAdagrad:
    """Adagrad whose accumulators start at `accumulator`, with its rate scaled so that a rare row moves as under SGD.

    The accumulators start at what the squared gradients of a few dozen positives add up to. A row seen less than that moves by
    `learning_rate` times its gradient, as under SGD, so in proportion to what pulls it; the rows of popular items and busy users
    are damped. Adagrad from 0 moves a row that was seen once as far as one seen often, and is clearly worse on sparse data.

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
