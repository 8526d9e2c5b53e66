"""The curvature of a layer or a model, fixed or learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import check_instance, check_not_negative
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class Curvature(tf.keras.layers.Layer):
    """Holds the curvature `c >= 0` of the Poincaré ball, as a constant or as a trainable variable.

    Every layer of this package accepts a number or a `Curvature` as `curvature`. Layers that are given the same object share
    it. Unlike other layers, it can be called without an input: `curvature()` is short for `curvature.value()`.

    A learned curvature is the softplus of a raw variable, so it is always positive. The raw variable starts at the inverse
    softplus of `value`, so that training starts from `value` itself.

    Args:
        value: Float. The curvature, or its initial value if `learned=True`. Finite and `>= 0`, or `> 0` if `learned=True`. At
            0 the space is Euclidean. Defaults to `1.0`.
        learned: Boolean. Whether the curvature is trained. Defaults to `False`.
        **kwargs: `name`, `dtype` (defaults to `"float32"`) and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `value` is negative or not finite, or 0 while `learned=True`.

    Call arguments:
        inputs: May be left out. The curvature does not depend on it; with a symbolic input, the layer can be part of a
            functional model.

    Input shape:
        Any, or no input.

    Output shape:
        A scalar, `()`.

    Example:

    >>> curvature = Curvature(0.5, learned=True)
    >>> float(curvature())
    0.5
    >>> len(curvature.trainable_variables)
    1
    """

    def __init__(self, value: float = 1.0, learned: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        check_not_negative(value=value)
        if learned and value == 0:
            raise ValueError(
                "`value` must be > 0 when `learned=True`, because a softplus is never 0. Received: value=0, learned=True"
            )
        self.initial_value = float(value)
        self.learned = bool(learned)
        self.raw = (
            self.add_weight(
                # HDF5 files cannot hold two weights of the same name in a nested layer, hence the name of this one.
                name=f"{self.name}/raw_curvature",
                shape=(),
                initializer=tf.keras.initializers.Constant(numerics.softplus_inverse(value)),
                experimental_autocast=False,
            )
            if learned
            else None
        )
        self.built = True

    def value(self) -> Tensor:
        """Returns the current curvature, a scalar tensor in the dtype of the layer's variables."""
        if self.raw is None:
            return tf.constant(self.initial_value, self.variable_dtype)
        return tf.nn.softplus(tf.convert_to_tensor(self.raw))

    def call(self, inputs: Any = None) -> Tensor:
        return self.value()

    def __call__(self, inputs: Any = None, **kwargs: Any) -> Tensor:
        """Returns `value()`; given an input, calls the layer as Keras does.

        Keras cannot call a layer without an input. Its bookkeeping would also take longer than the value itself, and its name
        scope would change the order in which TensorFlow sums the gradients of a shared curvature.
        """
        return self.value() if inputs is None else super().__call__(inputs, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value": self.initial_value, "learned": self.learned}


def as_curvature(curvature: float | Curvature | dict[str, Any], dtype: str = "float32") -> Curvature:
    """Converts the `curvature` argument of a layer, or its serialized form, to a `Curvature`.

    Args:
        curvature: Float `>= 0`, a `Curvature`, which is returned as it is so that layers can share it, or a dictionary that
            `curvature_config` returned.
        dtype: String. The dtype of a `Curvature` made from a number. Defaults to `"float32"`.

    Returns:
        A `Curvature`.

    Raises:
        TypeError: If `curvature` is none of these.
        ValueError: If `curvature` is a number that is negative or not finite.

    Example:

    >>> as_curvature(0.5).initial_value
    0.5
    """
    if isinstance(curvature, Curvature):
        return curvature
    if isinstance(curvature, dict):
        restored = tf.keras.utils.deserialize_keras_object(curvature)
        check_instance(Curvature, curvature=restored)
        return restored
    if isinstance(curvature, bool) or not isinstance(curvature, (int, float, np.floating, np.integer)):
        raise TypeError(f"`curvature` must be a number >= 0 or a `Curvature`. Received: curvature={curvature!r}")
    check_not_negative(curvature=curvature)
    return Curvature(float(curvature), dtype=dtype)


def curvature_config(curvature: Curvature) -> float | dict[str, Any]:
    """Returns what `get_config` of a layer stores: the number of a fixed curvature, a learned one as a serialized object.

    Layers that share a learned curvature still share it after `model.save` and `load_model`. `clone_model` and `from_config`
    create each layer separately, with a curvature of its own.

    Args:
        curvature: `Curvature`.

    Returns:
        A float or a dictionary, either of which `as_curvature` accepts.

    Example:

    >>> curvature_config(Curvature(0.5))
    0.5
    """
    if not curvature.learned:
        return curvature.initial_value
    # While it saves a model, Keras tags an object with a shared id only from the second time it serializes it, and never adds
    # the tag to a first copy nested in the config of a layer. Serializing twice gives every layer a config with the tag.
    tf.keras.utils.serialize_keras_object(curvature)
    config: dict[str, Any] = tf.keras.utils.serialize_keras_object(curvature)
    return config
