"""Riemannian Adagrad."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.riemannian_optimizer import RiemannianOptimizer
from hyperml_tf.optimizers.slots import Slot


@register
class RiemannianAdagrad(RiemannianOptimizer):
    """Adagrad with one accumulator a point of the ball; cheap on embedding tables.

    With the Riemannian gradient `g = egrad / lambda_x^2`, its squared length `|g|_x^2 = |egrad|^2 / lambda_x^2` and
    learning rate `r`:

        a <- a + |g|_x^2,   x <- exp_x(-r g / sqrt(a))

    Source: G. Bécigneul, O. Ganea, *Riemannian adaptive optimization methods* (2019), arXiv 1810.00760, where each
    point of the table is one factor of a product manifold. On Euclidean variables it is `tf.keras.optimizers.Adagrad`,
    one accumulator a number. What holds for every variable, sparse gradients and `c = 0` is described in
    `RiemannianOptimizer`.

    A rarely seen row keeps its large steps, which is what long-tailed catalogues need. With an accumulator that starts
    at 0 the first step of a point has the Riemannian length `r` whatever the scale of the loss, and no later one is
    longer.

    Args:
        learning_rate: a number or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        initial_accumulator_value: where accumulators start, >= 0. Keras starts at 0.1, which damps the steps of a loss with small
            gradients, such as a mean over a large batch.
        epsilon: a number > 0 that accumulators start at beyond `initial_accumulator_value`, so that a zero gradient does not
            divide by 0. It is compared with *squared* gradients, hence far below the 1e-7 of Keras.
        retraction: `"expmap"` or `"projection"`, see `RiemannianOptimizer`.
        name: the optimizer's name.
        **kwargs: see `RiemannianOptimizer`.

    Raises:
        ValueError: if `initial_accumulator_value`, `epsilon` or `retraction` is out of range.

    Example:

    >>> from hyperml_tf.geometry import poincare
    >>> from hyperml_tf.ball_variables import mark_on_ball
    >>> x = tf.Variable([[0.0, 0.0]])
    >>> mark_on_ball(x, 1.0)
    >>> RiemannianAdagrad(learning_rate=0.5).minimize(lambda: 100.0 * tf.reduce_sum(x[:, 1]), [x])
    >>> round(float(poincare.distance0(x, 1.0)[0]), 4)
    0.5
    """

    def __init__(
        self,
        learning_rate: Any = 0.05,
        initial_accumulator_value: float = 0.0,
        epsilon: float = 1e-12,
        retraction: str = "expmap",
        name: str = "RiemannianAdagrad",
        **kwargs: Any,
    ) -> None:
        if not initial_accumulator_value >= 0:
            raise ValueError(
                "`initial_accumulator_value` must be >= 0. "
                f"Received: initial_accumulator_value={initial_accumulator_value}"
            )
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be > 0. Received: epsilon={epsilon}")
        super().__init__(learning_rate, retraction=retraction, name=name, **kwargs)
        self.initial_accumulator_value = float(initial_accumulator_value)
        self.epsilon = float(epsilon)

    @property
    def slots(self) -> tuple[Slot, ...]:
        # With epsilon in it from the start, no step has to add it.
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
