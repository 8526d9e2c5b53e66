"""Riemannian Adam."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.riemannian_optimizer import RiemannianOptimizer
from hyperml_tf.optimizers.slots import Slot


@register
class RiemannianAdam(RiemannianOptimizer):
    """Adam with a transported first moment and one second moment a point of the ball; cheap on embedding tables.

    With the Riemannian gradient `g = egrad / lambda_x^2`, learning rate `r`, and `t` the number of the step:

        m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) |g|_x^2
        x <- exp_x(-r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)),   m <- m transported to the new x

    Source: G. Bécigneul, O. Ganea, *Riemannian adaptive optimization methods* (2019), arXiv 1810.00760, with the bias
    correction of D. Kingma, J. Ba, *Adam* (2015), arXiv 1412.6980, in the form Keras uses. On Euclidean variables it is
    `tf.keras.optimizers.Adam`. What holds for every variable, sparse gradients and `c = 0` is described in
    `RiemannianOptimizer`.

    On sparse gradients it is lazy Adam: `t` counts all steps, the moments of a row only change when the row has a
    gradient. A row first seen late takes a first step up to `(1 - b1) / sqrt(1 - b2)` times `r`, 3.2 with the defaults.

    Args:
        learning_rate: a number or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        beta_1: the decay `b1` of the first moment, in `[0, 1)`.
        beta_2: the decay `b2` of the second moment, in `[0, 1)`.
        epsilon: a number > 0, compared with the length of gradients.
        amsgrad: whether to divide by the largest second moment so far (Reddi et al. 2018).
        retraction: `"expmap"` or `"projection"`, see `RiemannianOptimizer`.
        name: the optimizer's name.
        **kwargs: see `RiemannianOptimizer`.

    Raises:
        ValueError: if `beta_1`, `beta_2`, `epsilon` or `retraction` is out of range.

    Example:

    >>> from hyperml_tf.geometry import poincare
    >>> from hyperml_tf.ball_variables import mark_on_ball
    >>> x = tf.Variable([[0.0, 0.0]])
    >>> mark_on_ball(x, 1.0)
    >>> RiemannianAdam(learning_rate=0.5).minimize(lambda: 100.0 * tf.reduce_sum(x[:, 1]), [x])
    >>> round(float(poincare.distance0(x, 1.0)[0]), 4)
    0.5
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        retraction: str = "expmap",
        name: str = "RiemannianAdam",
        **kwargs: Any,
    ) -> None:
        for argument, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
            if not 0 <= beta < 1:
                raise ValueError(f"`{argument}` must be in [0, 1). Received: {argument}={beta}")
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be > 0. Received: epsilon={epsilon}")
        super().__init__(learning_rate, retraction=retraction, name=name, **kwargs)
        self.beta_1 = float(beta_1)
        self.beta_2 = float(beta_2)
        self.epsilon = float(epsilon)
        self.amsgrad = bool(amsgrad)

    @property
    def slots(self) -> tuple[Slot, ...]:
        moments = (Slot("first_moment"), Slot("second_moment", scalar=True))
        return (*moments, Slot("largest_second_moment", scalar=True)) if self.amsgrad else moments

    def update_points(
        self, manifold: Manifold, egrad: Tensor, slots: tuple[Tensor, ...], learning_rate: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        first, second, *largest = slots
        first += (manifold.egrad2rgrad(egrad) - first) * (1 - self.beta_1)
        second += (manifold.rgrad_component_inner(egrad) - second) * (1 - self.beta_2)
        largest = [tf.maximum(value, second) for value in largest]
        bound = largest[0] if largest else second
        moved = manifold.retr(-(first * self._bias_corrected(learning_rate)) / (tf.sqrt(bound) + self.epsilon))
        return moved, (manifold.transp(moved, first), second, *largest)

    def _bias_corrected(self, learning_rate: Tensor) -> Tensor:
        step = tf.cast(self.iterations + 1, learning_rate.dtype)
        power_1 = tf.pow(tf.constant(self.beta_1, learning_rate.dtype), step)
        power_2 = tf.pow(tf.constant(self.beta_2, learning_rate.dtype), step)
        return learning_rate * tf.sqrt(1 - power_2) / (1 - power_1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
