"""A tower around a user's own Keras network."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor

_OUTPUTS = ("tangent", "ball")


@register
class NetworkTower(Tower):
    """Gives every id the point that a network computes from the id and its features.

    The features of all ids are held in the tower, so that negatives can be drawn from the whole catalogue and an export needs
    nothing but an id. Without features the network is called with the raw ids, `(batch,)`; with features, with a dictionary of
    them, each `(batch, ...)`, and the ids under `id_name`.

    Args:
        ids: the vocabulary, distinct strings or integers.
        network: a Keras model or layer that returns vectors, `(batch, dim)`.
        features: arrays or lists whose rows belong to `ids`, by name; or None.
        id_name: the key of the ids in the dictionary the network is called with.
        output: "tangent" if the network returns Euclidean vectors, which `expmap0` takes to the ball (any TFRS tower);
            "ball" if it ends in a layer of ours and returns points of the ball of this curvature.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        **kwargs: as for every Keras layer.

    Raises:
        ValueError: if a feature has another number of rows than `ids`, or the network does not return `(batch, dim)`.

    Example:

    >>> network = tf.keras.Sequential([tf.keras.layers.Lambda(lambda f: f["year"]), tf.keras.layers.Dense(4)])
    >>> NetworkTower(["a", "b"], network, features={"year": [[0.1], [0.2]]})(["b"]).shape
    TensorShape([1, 4])
    """

    def __init__(
        self,
        ids: Any,
        network: Any,
        features: Mapping[str, Any] | None = None,
        id_name: str = "id",
        output: Literal["tangent", "ball"] = "tangent",
        curvature: CurvatureArgument = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(ids, curvature=curvature, **kwargs)
        if output not in _OUTPUTS:
            raise ValueError(f"`output` must be one of {_OUTPUTS}. Received: output={output!r}")
        self.network = tf.keras.utils.deserialize_keras_object(network) if isinstance(network, dict) else network
        self._takes_training = "training" in inspect.signature(self.network.call).parameters
        self.id_name = id_name
        self.output_kind = output
        self._features = {name: _feature(name, values, len(self.lookup)) for name, values in (features or {}).items()}
        shape = self._vectors(tf.zeros([1], tf.int32)).shape
        if shape.rank != 2 or shape[1] is None:
            raise ValueError(f"`network` must return vectors of a known size, (batch, dim). Received: shape {shape}")
        self.dim = int(shape[1])

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        flat = self._vectors(tf.reshape(codes, [-1]), training)
        vectors = tf.reshape(flat, tf.concat([tf.shape(codes), [self.dim]], axis=0))
        c = self.curvature()
        return poincare.project(vectors, c) if self.output_kind == "ball" else poincare.expmap0(vectors, c)

    def _vectors(self, codes: Tensor, training: bool = False) -> Tensor:
        inputs = self.lookup.raw(codes)
        if self._features:
            features = {name: tf.gather(values, codes) for name, values in self._features.items()}
            inputs = {self.id_name: inputs, **features}
        return self.network(inputs, training=training) if self._takes_training else self.network(inputs)

    def get_config(self) -> dict[str, Any]:
        features = {name: _as_lists(values) for name, values in self._features.items()}
        return {
            **super().get_config(),
            "network": tf.keras.utils.serialize_keras_object(self.network),
            "features": features or None,
            "id_name": self.id_name,
            "output": self.output_kind,
        }


def _feature(name: str, values: Any, rows: int) -> Tensor:
    array = np.asarray(values)
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    if array.ndim == 0 or len(array) != rows:
        raise ValueError(
            f"`features[{name!r}]` must have one row an id, {rows}. Received: shape {array.shape} of {array.dtype}"
        )
    return tf.constant(array.tolist() if array.dtype.kind in "OUS" else array)


def _as_lists(values: Tensor) -> Any:
    array = values.numpy()
    return np.vectorize(bytes.decode, otypes=[object])(array).tolist() if values.dtype == tf.string else array.tolist()
