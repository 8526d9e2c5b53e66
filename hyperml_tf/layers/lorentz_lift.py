"""From the ball to vectors that a maximum-inner-product index can search."""

from __future__ import annotations

from typing import Any, Literal

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import lorentz
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer
from hyperml_tf.numerics import Tensor

_ROLES = ("candidate", "query")


@register
class LorentzLift(HyperbolicLayer):
    """Lifts points to the hyperboloid, so that dot products rank by hyperbolic distance.

    For a fixed query, the dot product of the lifted query with a lifted candidate is strictly decreasing in their distance. With
    one lift at the end of each tower, anything that scores by dot product ranks correctly: TFRS's `FactorizedTopK`, `BruteForce`
    and `Streaming` among them. The products are not distances; report those with `poincare.distance`.

    Coordinates, source and behaviour at `c = 0`: see `hyperml_tf.geometry.lorentz`.

    Args:
        role: "candidate" for `lorentz.lift(x)`, "query" for `lorentz.query(lorentz.lift(x))`.
        curvature: the curvature `c >= 0`, a number or a `Curvature`. Both sides need the same one.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Raises:
        ValueError: if `role` is unknown.

    Input shape: points, `(..., dim)`.

    Output shape: vectors, `(..., dim + 1)`. Their size grows as `e^d` with the distance `d` from the origin.

    Example:

    >>> candidates = LorentzLift("candidate")(tf.constant([[0.5, 0.0], [0.0, 0.9], [0.1, 0.1]]))
    >>> query = LorentzLift("query")(tf.constant([[0.0, 0.5]]))
    >>> tf.argsort(query @ tf.transpose(candidates), direction="DESCENDING").numpy().tolist()
    [[2, 0, 1]]
    """

    def __init__(
        self, role: Literal["candidate", "query"] = "candidate", curvature: CurvatureArgument = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(curvature=curvature, **kwargs)
        if role not in _ROLES:
            raise ValueError(f"`role` must be one of {_ROLES}. Received: role={role!r}")
        self.role = role

    def call(self, inputs: Tensor) -> Tensor:
        c = self.curvature()
        lifted = lorentz.lift(inputs, c)
        return lorentz.query(lifted, c) if self.role == "query" else lifted

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        shape = tf.TensorShape(input_shape)
        return shape[:-1].concatenate(None if shape[-1] is None else shape[-1] + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "role": self.role}
