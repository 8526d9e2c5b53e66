"""A Keras constraint that keeps the points of a variable inside the Poincaré ball."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor

__all__ = ["BallConstraint"]


@names_arguments
@register
class BallConstraint(tf.keras.constraints.Constraint):
    """Projects the points of a variable into the Poincaré ball after each step of any optimizer.

    Use it for small variables, such as the bias of `MobiusDense`, with an optimizer that takes Euclidean steps. Keras applies
    a constraint to the *whole* variable at every step, which for a table of points costs more than the rest of training.
    `HyperbolicEmbedding` therefore needs no constraint.

    Points beyond the largest radius of their dtype (see `hyperml_tf.geometry.poincare.project`) are scaled back to it; others
    are not changed.

    Args:
        curvature: Float. The curvature `c >= 0` of the ball, finite. At `c = 0` the constraint does nothing. Defaults to `1.0`.

    Raises:
        ValueError: If `curvature` is negative or not finite.

    Example:

    >>> constraint = BallConstraint(curvature=4.0)
    >>> constraint(tf.constant([[0.0, 3.0]])).numpy().astype(float).round(4).tolist()
    [[0.0, 0.5]]
    """

    def __init__(self, curvature: float = 1.0) -> None:
        if not 0 <= curvature < float("inf"):
            raise ValueError(f"`curvature` must be a finite number >= 0. Received: curvature={curvature}")
        self.curvature = float(curvature)

    def __call__(self, w: Tensor) -> Tensor:
        """Returns the value `w` of a variable, `(..., dim)`, with each point projected, in the dtype of `w`."""
        return tf.cast(poincare.project(tf.convert_to_tensor(w), self.curvature), w.dtype)

    def get_config(self) -> dict[str, Any]:
        return {"curvature": self.curvature}
