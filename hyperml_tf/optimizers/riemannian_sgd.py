"""Riemannian stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from hyperml_tf._argument_checks import check_below_one
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.riemannian_optimizer import LearningRate, RiemannianOptimizer
from hyperml_tf.optimizers.slots import Slot


@names_arguments
@register
class RiemannianSGD(RiemannianOptimizer):
    """Riemannian gradient descent with optional momentum.

    With the Riemannian gradient `g = egrad / lambda_x^2`, momentum `b` and learning rate `r`, one step is

        v <- b v - r g,   x <- exp_x(v),   v <- v transported to the new x

    Without momentum there is no slot. On Euclidean variables this is `tf.keras.optimizers.SGD`. `RiemannianOptimizer`
    describes what all optimizers share: which variables are on the ball, sparse gradients, clipping, and the behaviour at
    `c = 0`.

    Near the boundary of the ball, the coordinates of `g` are small, but a step still has the Riemannian length `r |g|_x`.

    Args:
        learning_rate: Float, or a `tf.keras.optimizers.schedules.LearningRateSchedule`. Defaults to `0.01`.
        momentum: Float in `[0, 1)`. The momentum `b`. Defaults to `0.0`.
        retraction: String, `"expmap"` or `"projection"`; see `RiemannianOptimizer`. Defaults to `"expmap"`.
        name: String. The name of the optimizer. Defaults to `"RiemannianSGD"`.
        **kwargs: Other arguments of `RiemannianOptimizer`, such as `clipnorm`.

    Raises:
        ValueError: If `momentum` or `retraction` is out of range.

    Reference:
        - [Bonnabel, 2013](https://arxiv.org/abs/1111.5280), Stochastic gradient descent on Riemannian manifolds

    Example:

    >>> import tensorflow as tf
    >>> from hyperml_tf.ball_variables import mark_on_ball
    >>> x = tf.Variable([[0.0, 0.5], [0.3, 0.0]])
    >>> mark_on_ball(x, 1.0)
    >>> optimizer = RiemannianSGD(learning_rate=0.5)
    >>> for _ in range(100):
    ...     optimizer.minimize(lambda: tf.reduce_sum(tf.gather(x, [0]) ** 2), [x])
    >>> abs(x.numpy()).round(4).tolist()  # only the row that was looked up has moved
    [[0.0, 0.0], [0.30000001192092896, 0.0]]
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        retraction: str = "expmap",
        name: str = "RiemannianSGD",
        **kwargs: Any,
    ) -> None:
        check_below_one(momentum=momentum)
        super().__init__(learning_rate, retraction=retraction, name=name, **kwargs)
        self.momentum = float(momentum)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot("momentum"),) if self.momentum else ()

    def update_points(
        self, manifold: Manifold, egrad: Tensor, slots: tuple[Tensor, ...], learning_rate: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        velocity = -manifold.egrad2rgrad(egrad) * learning_rate
        if not slots:
            return manifold.retr(velocity), ()
        velocity += slots[0] * self.momentum
        moved = manifold.retr(velocity)
        return moved, (manifold.transp(moved, velocity),)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}
