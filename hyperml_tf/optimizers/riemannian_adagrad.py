"""Riemannian Adagrad."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_not_negative, check_positive
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.riemannian_optimizer import LearningRate, RiemannianOptimizer
from hyperml_tf.optimizers.slots import Slot


@names_arguments
@register
class RiemannianAdagrad(RiemannianOptimizer):
    """Riemannian Adagrad with one accumulator per point.

    With the Riemannian gradient `g = egrad / lambda_x^2`, its squared length `|g|_x^2 = |egrad|^2 / lambda_x^2` and the
    learning rate `r`, one step is

        a <- a + |g|_x^2,   x <- exp_x(-r g / sqrt(a))

    This is the method of the reference, with each row of a table as one factor of a product manifold. On Euclidean
    variables it is `tf.keras.optimizers.Adagrad`, with one accumulator per coordinate. `RiemannianOptimizer` describes what
    all optimizers share: which variables are on the ball, sparse gradients, clipping, and the behaviour at `c = 0` and near
    the boundary.

    Rows that occur rarely keep taking large steps, which suits catalogues with a long tail. If accumulators start at 0, the
    first step of a point has the Riemannian length `r`, whatever the scale of the loss, and no later step is longer.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`. Defaults to `0.05`.
        initial_accumulator_value: Float `>= 0`. The initial value of the accumulators. Defaults to `0.0`. The default of Keras,
            0.1, shortens the steps if gradients are small, for instance those of a mean over a large batch.
        epsilon: Float `> 0`. Added to the initial value, so that a gradient of zero does not lead to a division by zero. It
            compares with *squared* gradients, which is why it is far below the 1e-7 of Keras. Defaults to `1e-12`.
        retraction: String, `"expmap"` or `"projection"`; see `RiemannianOptimizer`. Defaults to `"expmap"`.
        name: String. The name of the optimizer. Defaults to `"RiemannianAdagrad"`.
        **kwargs: Other arguments of `RiemannianOptimizer`, such as `clipnorm`.

    Raises:
        ValueError: If `initial_accumulator_value`, `epsilon` or `retraction` is out of range.

    Reference:
        - [Bécigneul and Ganea, 2019](https://arxiv.org/abs/1810.00760), Riemannian adaptive optimization methods
        - [Duchi et al., 2011](https://jmlr.org/papers/v12/duchi11a.html)

    Example:

    >>> from hyperml_tf.ball_variables import mark_on_ball
    >>> from hyperml_tf.geometry import poincare
    >>> x = tf.Variable([[0.0, 0.0]])
    >>> mark_on_ball(x, 1.0)
    >>> RiemannianAdagrad(learning_rate=0.5).minimize(lambda: 100.0 * tf.reduce_sum(x[:, 1]), [x])
    >>> round(float(poincare.distance0(x, 1.0)[0]), 4)  # the first step is as long as the learning rate
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.05,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-12,
        retraction: str = "expmap",
        name: str = "RiemannianAdagrad",
        **kwargs: Any,
    ) -> None:
        check_not_negative(initial_accumulator_value=initial_accumulator_value)
        check_positive(epsilon=epsilon)
        super().__init__(learning_rate, retraction=retraction, name=name, **kwargs)
        self.initial_accumulator_value = float(initial_accumulator_value)
        self.epsilon = float(epsilon)

    @property
    def slots(self) -> tuple[Slot, ...]:
        # The accumulators include epsilon from the start, so that no step has to add it.
        return (Slot("accumulator", scalar=True, initial=self.initial_accumulator_value + self.epsilon),)

    def update_points(
        self, manifold: Manifold, egrad: Tensor, slots: tuple[Tensor, ...], learning_rate: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        accumulator = slots[0] + manifold.rgrad_component_inner(egrad)
        return manifold.retr(manifold.egrad2rgrad(egrad) * (-learning_rate * tf.math.rsqrt(accumulator))), (
            accumulator,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
