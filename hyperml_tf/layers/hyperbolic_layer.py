"""What all layers of ours share: the curvature, the dtype, and the config of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf.layers.curvature import Curvature, as_curvature, curvature_config
from hyperml_tf.numerics import Tensor

InitializerLike = str | dict[str, Any] | Callable[..., Tensor] | None
RegularizerLike = str | dict[str, Any] | Callable[[Tensor], Tensor] | None
ConstraintLike = str | dict[str, Any] | Callable[[Tensor], Tensor] | None
ActivationLike = str | dict[str, Any] | Callable[[Tensor], Tensor] | None
CurvatureArgument = float | Curvature | dict[str, Any]


class HyperbolicLayer(tf.keras.layers.Layer):
    """Base class of layers with a curvature.

    The layer computes, keeps its weights and returns its outputs in float32 under every policy of half precision, mixed or
    pure, because a half cannot hold a point near the boundary; in float64 if it is asked for. Masks pass through.

    Args:
        curvature: the curvature `c >= 0`, a number, or a `Curvature` that is learned or shared between layers.
        activity_regularizer: a function of the output whose value is added to the loss, for instance
            `hyperml_tf.regularizers.RadiusRegularizer`.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.
    """

    def __init__(
        self, curvature: CurvatureArgument = 1.0, activity_regularizer: RegularizerLike = None, **kwargs: Any
    ) -> None:
        kwargs["dtype"] = geometry_dtype(kwargs.get("dtype"))
        super().__init__(activity_regularizer=tf.keras.regularizers.get(activity_regularizer), **kwargs)
        self.curvature: Curvature = as_curvature(curvature, kwargs["dtype"])
        self.supports_masking = True

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "curvature": curvature_config(self.curvature),
            "activity_regularizer": tf.keras.regularizers.serialize(self.activity_regularizer),
        }


def geometry_dtype(dtype: Any) -> str:
    """The dtype a layer computes in: float64 if the policy asks for it, otherwise float32."""
    policies = tf.keras.mixed_precision
    if dtype is None:
        dtype = policies.global_policy()
    elif not isinstance(dtype, policies.Policy):
        dtype = policies.Policy(dtype if isinstance(dtype, str) else tf.as_dtype(dtype).name)
    return "float64" if dtype.compute_dtype == "float64" else "float32"


def check_pair(inputs: Any, names: str) -> tuple[Tensor, Tensor]:
    """The two tensors of a layer that takes a list of two.

    Raises:
        ValueError: if `inputs` is anything else.
    """
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
        raise ValueError(f"`inputs` must be a list of two tensors, {names}. Received: inputs={inputs}")
    return inputs[0], inputs[1]


def broadcast_shape(first: Any, second: Any) -> tf.TensorShape:
    """The static shape of an operation that broadcasts two shapes, unknown sizes included."""
    return tf.broadcast_static_shape(tf.TensorShape(first), tf.TensorShape(second))


def combine_masks(mask: Any) -> Tensor | None:
    """The mask of an output made from two inputs: valid where both are. A mask of one input counts alone."""
    masks: Sequence[Tensor] = [m for m in (mask if isinstance(mask, (list, tuple)) else [mask]) if m is not None]
    if not masks:
        return None
    return masks[0] if len(masks) == 1 else tf.logical_and(masks[0], masks[1])
