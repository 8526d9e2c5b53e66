"""Marks variables whose rows are points of the Poincaré ball, for the optimizers to recognise.

The mark is a Python attribute of the variable. A layer that creates a table of points sets it whenever it is built, so the
mark need not be saved: it is there again after `load_model` and after a checkpoint is restored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.distribution import shards
from hyperml_tf.numerics import Tensor

__all__ = ["CurvatureLike", "ball_curvature", "mark_on_ball"]

_ATTRIBUTE = "_hyperml_curvature"

CurvatureLike = float | Callable[[], Tensor]


@names_arguments
def mark_on_ball(variable: tf.Variable, curvature: CurvatureLike) -> None:
    """Declares that the rows of a variable are points of the Poincaré ball.

    The optimizers of `hyperml_tf.optimizers` take Riemannian steps on a marked variable and keep its rows inside the ball.
    Every other optimizer ignores the mark. Under `tf.distribute` the copies on the replicas are marked too, and the shards of a
    variable that a `ParameterServerStrategy` has partitioned.

    Args:
        variable: `tf.Variable`, or a `ShardedVariable` of `tf.distribute`, of shape `(..., dim)`, float32 or float64. Each vector
            along the last axis is one point.
        curvature: Float or callable. The curvature `c >= 0` of the ball, or a function without arguments that returns it as a
            scalar tensor, for a curvature that is learned. At `c = 0` the ball is flat space.

    Example:

    >>> x = tf.Variable([[0.1, 0.2]])
    >>> mark_on_ball(x, 1.0)
    >>> ball_curvature(x)
    1.0
    """
    for shard in shards(variable):
        for copy in (shard, *tf.distribute.get_strategy().experimental_local_results(shard)):
            setattr(copy, _ATTRIBUTE, curvature)


@names_arguments
def ball_curvature(variable: Any) -> Tensor | None:
    """Returns the curvature of the ball that the rows of a variable live on.

    Args:
        variable: `tf.Variable`.

    Returns:
        The curvature that was passed to `mark_on_ball`: a number, or the scalar tensor that the function returned. None if the
        variable is not marked, hence an ordinary Euclidean variable.

    Example:

    >>> ball_curvature(tf.Variable([0.0])) is None
    True
    """
    curvature = getattr(variable, _ATTRIBUTE, None)
    return curvature() if callable(curvature) else curvature
