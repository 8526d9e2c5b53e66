"""The base class of the layers: their curvature, their dtype and their weights on the ball."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import tensorflow as tf

from hyperml_tf import ball_variables
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.curvature import Curvature, as_curvature, curvature_config
from hyperml_tf.numerics import Tensor

InitializerLike = str | dict[str, Any] | Callable[..., Tensor] | None
RegularizerLike = str | dict[str, Any] | Callable[[Tensor], Tensor] | None
ConstraintLike = str | dict[str, Any] | Callable[[Tensor], Tensor] | None
ActivationLike = str | dict[str, Any] | Callable[[Tensor], Tensor] | None
CurvatureArgument = float | Curvature | dict[str, Any]


class HyperbolicLayer(tf.keras.layers.Layer):
    """Base class of layers with a curvature.

    Under every half-precision policy the layer computes in float32, keeps its weights in float32 and returns float32, because
    half precision cannot represent a point near the boundary. With `dtype="float64"` it uses float64 throughout. Masks are
    passed on.

    Args:
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        activity_regularizer: Regularizer function applied to the output of the layer, for instance
            `hyperml_tf.regularizers.RadiusRegularizer`. Defaults to `None`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `trainable`.
    """

    POINTS: ClassVar[tuple[str, ...]] = ()
    """Names of weights that hold points. They are marked for optimizers as living on the ball of the layer."""

    def __init__(
        self, curvature: CurvatureArgument = 1.0, activity_regularizer: RegularizerLike = None, **kwargs: Any
    ) -> None:
        kwargs["dtype"] = geometry_dtype(kwargs.get("dtype"))
        super().__init__(activity_regularizer=tf.keras.regularizers.get(activity_regularizer), **kwargs)
        self.curvature: Curvature = as_curvature(curvature, kwargs["dtype"])
        self.supports_masking = True

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        # Also when Keras puts variables back that it has loaded from a SavedModel, without `build`.
        if name in self.POINTS:
            self._mark(name, value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A copy of a variable, as `copy.deepcopy` makes, has lost its mark.
        super().__setstate__(state)
        for name in self.POINTS:
            self._mark(name, getattr(self, name, None))

    def holds_points(self, name: str) -> bool:
        """Whether the weight of this name, one of `POINTS`, holds points in this layer."""
        return True

    def _mark(self, name: str, variable: Any) -> None:
        """Marks a weight that holds points for optimizers as living on the ball of this layer."""
        # A parameter server strategy may have partitioned the variable.
        is_variable = isinstance(variable, tf.Variable) or hasattr(variable, "variables")
        if is_variable and self.holds_points(name):
            # A fixed curvature is marked as a number: optimizers fold the constant, and the variable keeps no layer alive.
            curvature = self.curvature if self.curvature.learned else self.curvature.initial_value
            ball_variables.mark_on_ball(variable, curvature)

    def _add_points(
        self, name: str, shape: tuple[int, ...], tangent_initializer: Callable[..., Tensor], **kwargs: Any
    ) -> tf.Variable:
        """Adds a weight that holds points. The caller sets it as the attribute of this name, one of `POINTS`.

        Args:
            name: Name of the weight.
            shape: Shape of the weight, `(..., dim)`.
            tangent_initializer: Initializer of the tangent vectors at the origin whose `expmap0` are the points.
            **kwargs: Further arguments of `add_weight`.
        """

        def initializer(shape: Any, dtype: Any = None, **options: Any) -> Tensor:
            return poincare.expmap0(tangent_initializer(shape, dtype=dtype, **options), self.curvature())

        return self.add_weight(name=name, shape=shape, initializer=initializer, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "curvature": curvature_config(self.curvature),
            "activity_regularizer": tf.keras.regularizers.serialize(self.activity_regularizer),
        }


def geometry_dtype(dtype: Any) -> str:
    """The dtype a layer computes in: float64 if the dtype or policy asks for it, float32 otherwise."""
    policies = tf.keras.mixed_precision
    if dtype is None:
        dtype = policies.global_policy()
    elif not isinstance(dtype, policies.Policy):
        dtype = policies.Policy(dtype if isinstance(dtype, str) else tf.as_dtype(dtype).name)
    return "float64" if dtype.compute_dtype == "float64" else "float32"
