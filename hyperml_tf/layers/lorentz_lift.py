"""The lift from the ball to the hyperboloid as a layer."""

from __future__ import annotations

from typing import Any, Literal

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import lorentz
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer
from hyperml_tf.layers.ragged import is_ragged, map_points
from hyperml_tf.numerics import Tensor

_ROLES = ("candidate", "query")


@names_arguments
@register
class LorentzLift(HyperbolicLayer):
    """Lifts points to the hyperboloid, where a dot product ranks candidates by hyperbolic distance.

    For a given query, the dot product of the lifted query with a lifted candidate is a strictly decreasing function of their
    distance. With a `LorentzLift` as the last layer of each tower, everything that scores by dot product ranks correctly, such
    as `FactorizedTopK`, `BruteForce` and `Streaming` of TensorFlow Recommenders. The dot products are not distances; compute
    those with `HyperbolicDistance`.

    With the role `"candidate"` the output is `lorentz.lift(x)`, with the role `"query"` it is `lorentz.query(lorentz.lift(x))`.
    The coordinates are described in `hyperml_tf.geometry.lorentz`. They are finite at `c = 0`, where the ranking is by
    Euclidean distance, and grow as `exp(sqrt(c) d)` with the distance `d` from the origin.

    Args:
        role: `"candidate"` or `"query"`. Defaults to `"candidate"`.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Queries and candidates need
            the same curvature. Defaults to `1.0`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Input shape:
        Points, `(..., dim)`.

    Output shape:
        Vectors, `(..., dim + 1)`.

    Raises:
        ValueError: If `role` is unknown.

    Reference:
        - W. Reynolds, Hyperbolic geometry on a hyperboloid, 1993

    Example:

    >>> candidates = LorentzLift("candidate")(tf.constant([[0.5, 0.0], [0.0, 0.9], [0.1, 0.1]]))
    >>> query = LorentzLift("query")(tf.constant([[0.0, 0.5]]))
    >>> tf.argsort(query @ tf.transpose(candidates), direction="DESCENDING").numpy()
    array([[2, 0, 1]], dtype=int32)
    """

    def __init__(
        self, role: Literal["candidate", "query"] = "candidate", curvature: CurvatureArgument = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(curvature=curvature, **kwargs)
        if role not in _ROLES:
            raise ValueError(f"`role` must be one of {_ROLES}. Received: role={role!r}")
        self.role = role

    def call(self, inputs: Tensor) -> Tensor:
        if is_ragged(inputs):
            return map_points(self.call, inputs)
        c = self.curvature()
        lifted = lorentz.lift(inputs, c)
        return lorentz.query(lifted, c) if self.role == "query" else lifted

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        shape = tf.TensorShape(input_shape)
        return shape[:-1].concatenate(None if shape[-1] is None else shape[-1] + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "role": self.role}
