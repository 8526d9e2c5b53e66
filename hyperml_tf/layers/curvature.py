"""The curvature of a layer or a model, fixed or learned."""

from __future__ import annotations

from typing import Any

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
                name="raw_curvature",
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


def as_curvature(curvature: float | Curvature | dict[str, Any]) -> Curvature:
    """Turns the `curvature=` argument of a layer, or its serialized form, into a `Curvature`."""
    if isinstance(curvature, Curvature):
        return curvature
    if isinstance(curvature, dict):
        restored: Curvature = tf.keras.utils.deserialize_keras_object(curvature)
        return restored
    return Curvature(curvature)
