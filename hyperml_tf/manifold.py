"""Which variables live on the Poincaré ball: the variable says so itself, optimizers and constraints ask.

The mark is an attribute of the variable. Layers that create a table of points set it each time they build, so it survives
saving, loading and checkpoints without being saved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hyperml_tf.numerics import Tensor

_ATTRIBUTE = "_hyperml_curvature"

CurvatureLike = float | Callable[[], Tensor]


def mark_on_ball(variable: Any, curvature: CurvatureLike) -> None:
    """Declares that the rows of `variable` (last axis: the dimension) are points of the ball.

    Args:
        variable: a `tf.Variable`, `(..., dim)`.
        curvature: the curvature `c`, or a function that returns it (a learned one changes during training).
    """
    setattr(variable, _ATTRIBUTE, curvature)


def ball_curvature(variable: Any) -> Tensor | None:
    """The curvature of the ball that `variable` lives on, as a number or scalar tensor, or None for an ordinary variable."""
    curvature = getattr(variable, _ATTRIBUTE, None)
    if curvature is None:
        # Under tf.distribute an optimizer sees one replica's copy; the mark is on the variable that holds the copies.
        container = getattr(variable, "_distributed_container", lambda: None)()
        curvature = getattr(container, _ATTRIBUTE, None)
    return curvature() if callable(curvature) else curvature
