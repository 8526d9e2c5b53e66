"""Riemannian Adam."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import check_below_one, check_positive
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.riemannian_optimizer import LearningRate, RiemannianOptimizer
from hyperml_tf.optimizers.slots import Slot


@names_arguments
@register
class RiemannianAdam(RiemannianOptimizer):
    """Riemannian Adam: a first moment that is transported along, and one second moment per point.

    With the Riemannian gradient `g = egrad / lambda_x^2`, learning rate `r` and `t` the number of the step, one step is

        m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) |g|_x^2
        x <- exp_x(-r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)),   m <- m transported to the new x

    with the bias correction in the form that Keras uses. On Euclidean variables this is `tf.keras.optimizers.Adam`, with
    one second moment per coordinate. `RiemannianOptimizer` describes what all optimizers share: which variables are on the
    ball, sparse gradients, clipping, and the behaviour at `c = 0` and near the boundary.

    On sparse gradients this is lazy Adam: `t` counts all steps, but the moments of a row change only when the row has a
    gradient. The first step of a row that first occurs late is up to `(1 - b1) / sqrt(1 - b2)` times as long as `r`, 3.2
    times with the default decay rates.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`. Defaults to `0.001`.
        beta_1: Float in `[0, 1)`. The decay rate `b1` of the first moment. Defaults to `0.9`.
        beta_2: Float in `[0, 1)`. The decay rate `b2` of the second moment. Defaults to `0.999`.
        epsilon: Float `> 0`. Added to the length of gradients for numerical stability. Defaults to `1e-7`.
        amsgrad: Boolean. Whether to divide by the largest second moment so far instead of the current one. Defaults to
            `False`.
        retraction: String, `"expmap"` or `"projection"`; see `RiemannianOptimizer`. Defaults to `"expmap"`.
        name: String. The name of the optimizer. Defaults to `"RiemannianAdam"`.
        **kwargs: Other arguments of `RiemannianOptimizer`, such as `clipnorm`.

    Raises:
        ValueError: If `beta_1`, `beta_2`, `epsilon` or `retraction` is out of range.

    Reference:
        - [Bécigneul and Ganea, 2019](https://arxiv.org/abs/1810.00760), Riemannian adaptive optimization methods
        - [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980)
        - [Reddi et al., 2018](https://openreview.net/forum?id=ryQu7f-RZ) for `amsgrad`

    Example:

    >>> from hyperml_tf.ball_variables import mark_on_ball
    >>> from hyperml_tf.geometry import poincare
    >>> x = tf.Variable([[0.0, 0.0]])
    >>> mark_on_ball(x, 1.0)
    >>> RiemannianAdam(learning_rate=0.5).minimize(lambda: 100.0 * tf.reduce_sum(x[:, 1]), [x])
    >>> round(float(poincare.distance0(x, 1.0)[0]), 4)  # the first step is as long as the learning rate
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        retraction: str = "expmap",
        name: str = "RiemannianAdam",
        **kwargs: Any,
    ) -> None:
        check_below_one(beta_1=beta_1, beta_2=beta_2)
        check_positive(epsilon=epsilon)
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
