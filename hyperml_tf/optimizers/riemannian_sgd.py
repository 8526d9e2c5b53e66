"""Riemannian stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.optimizers.manifold import Manifold
from hyperml_tf.optimizers.riemannian_optimizer import RiemannianOptimizer
from hyperml_tf.optimizers.slots import Slot


@register
class RiemannianSGD(RiemannianOptimizer):
    """Gradient descent, with momentum, on the ball and elsewhere; cheap on embedding tables.

    With the Riemannian gradient `g = egrad / lambda_x^2`, momentum `b` and learning rate `r`:

        v <- b v - r g,   x <- exp_x(v),   v <- v transported to the new x

    Source: S. Bonnabel, *Stochastic gradient descent on Riemannian manifolds* (2013), arXiv 1111.5280. On Euclidean
    variables it is `tf.keras.optimizers.SGD`, without a slot when `momentum` is 0. What holds for every variable,
    sparse gradients and `c = 0` is described in `RiemannianOptimizer`.

    Near the boundary `g` is short in coordinates, and the step still has the Riemannian length `r |g|_x`: a point at
    the limit radius moves back as freely as any other.

    Args:
        learning_rate: a number or a `tf.keras.optimizers.schedules.LearningRateSchedule`.
        momentum: the momentum `b`, in `[0, 1)`.
        retraction: `"expmap"` or `"projection"`, see `RiemannianOptimizer`.
        name: the optimizer's name.
        **kwargs: see `RiemannianOptimizer`.

    Raises:
        ValueError: if `momentum` or `retraction` is out of range.

    Example:

    >>> import tensorflow as tf
    >>> from hyperml_tf.ball_variables import mark_on_ball
    >>> x = tf.Variable([[0.0, 0.5], [0.0, 0.0]])
    >>> mark_on_ball(x, 1.0)
    >>> optimizer = RiemannianSGD(learning_rate=1.0)
    >>> optimizer.minimize(lambda: tf.reduce_sum(tf.gather(x, [0])), [x])
    >>> x[1].numpy().tolist()
    [0.0, 0.0]
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        retraction: str = "expmap",
        name: str = "RiemannianSGD",
        **kwargs: Any,
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}")
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
