"""A constraint that keeps a small variable inside the ball."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor

__all__ = ["BallConstraint"]


@register
class BallConstraint(tf.keras.constraints.Constraint):
    """Projects the points of a variable into the ball after each step of an optimizer that knows nothing of the ball.

    For small variables, such as the bias of `MobiusDense`. Keras applies a constraint to the *whole* variable at every step,
    which for a table of points costs more than the rest of training: use `HyperbolicEmbedding` there, which needs none.

    Args:
        curvature: the curvature `c >= 0`, a number. At `c = 0` the constraint does nothing.

    Raises:
        ValueError: if `curvature` is negative or not finite.

    Example:

    >>> BallConstraint(curvature=4.0)(tf.constant([[0.0, 3.0]])).numpy().astype(float).round(4).tolist()
    [[0.0, 0.5]]
    """

    def __init__(self, curvature: float = 1.0) -> None:
        if not 0 <= curvature < float("inf"):
            raise ValueError(f"`curvature` must be a finite number >= 0. Received: curvature={curvature}")
        self.curvature = float(curvature)

    def __call__(self, w: Tensor) -> Tensor:
        """The variable's value `(..., dim)`, each point projected; in its own dtype."""
        return tf.cast(poincare.project(tf.convert_to_tensor(w), self.curvature), w.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"curvature": self.curvature}
