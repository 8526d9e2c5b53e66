"""The curvature of a layer or a model, fixed or learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor


@register
class Curvature(tf.keras.layers.Layer):
    """Holds a curvature `c >= 0`, as a constant or as a trainable variable.

    A learned curvature is the softplus of a raw variable whose initial value is the inverse softplus of `value`, so the value
    given is the value used. Every layer of ours takes `curvature=` as a number or as such an object; pass one object to several
    layers and they share it.

    Args:
        value: the curvature, or its initial value, >= 0. Must be > 0 when learned, because a softplus never is 0.
        learned: whether it is trained.

    Raises:
        ValueError: if `value` is negative or not finite, or is 0 while `learned`.

    Example:

    >>> float(Curvature(0.5, learned=True)())
    0.5
    """

    def __init__(self, value: float = 1.0, learned: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if not 0 <= value < float("inf"):
            raise ValueError(f"`value` must be a finite curvature >= 0. Received: value={value}")
        if learned and value == 0:
            raise ValueError("`value` must be > 0 when `learned=True`: the curvature is a softplus. Received: value=0")
        self.initial_value = float(value)
        self.learned = bool(learned)
        self.raw = (
            self.add_weight(
                # The layer's own name in front: the HDF5 format refuses two weights of one name inside a nested layer.
                name=f"{self.name}/raw_curvature",
                shape=(),
                initializer=tf.keras.initializers.Constant(numerics.softplus_inverse(value)),
            )
            if learned
            else None
        )

    def call(self, inputs: Any = None) -> Tensor:
        """The curvature, a scalar tensor."""
        if self.raw is None:
            return tf.constant(self.initial_value, self.variable_dtype)
        return tf.nn.softplus(tf.convert_to_tensor(self.raw))

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        # Keras's `__call__` expects an input tensor; a curvature has none.
        return self.call()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value": self.initial_value, "learned": self.learned}


def as_curvature(curvature: float | Curvature | dict[str, Any], dtype: str = "float32") -> Curvature:
    """Turns the `curvature=` argument of a layer, or its serialized form, into a `Curvature`.

    Args:
        curvature: a number, a `Curvature` (returned as it is, so it can be shared), or what `curvature_config` returned.
        dtype: the dtype of a `Curvature` made from a number.

    Raises:
        TypeError: if `curvature` is none of these.

    Example:

    >>> as_curvature(0.5).initial_value
    0.5
    """
    if isinstance(curvature, Curvature):
        return curvature
    if isinstance(curvature, dict):
        restored: Curvature = tf.keras.utils.deserialize_keras_object(curvature)
        return restored
    if isinstance(curvature, bool) or not isinstance(curvature, (int, float, np.floating, np.integer)):
        raise TypeError(f"`curvature` must be a number >= 0 or a `Curvature`. Received: curvature={curvature!r}")
    return Curvature(float(curvature), dtype=dtype)


def curvature_config(curvature: Curvature) -> float | dict[str, Any]:
    """What `get_config` of a layer stores: the number if the curvature is fixed, the serialized object if it is learned.

    A learned curvature that several layers of a model share is shared again after `save` and `load_model`. `clone_model` and
    `from_config` rebuild each layer by itself, and each gets its own.

    Example:

    >>> curvature_config(Curvature(0.5))
    0.5
    """
    if not curvature.learned:
        return curvature.initial_value
    # While a model is saved, Keras tags an object with an id from its second serialization on, and never goes back to tag the
    # first one where that is nested in the config of a layer. Hence twice: every layer then stores the tag.
    tf.keras.utils.serialize_keras_object(curvature)
    config: dict[str, Any] = tf.keras.utils.serialize_keras_object(curvature)
    return config
