"""A tower around any Keras model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import check_instance, check_text
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.arrays import load_arrays, save_arrays

_OUTPUTS = ("tangent", "ball")
_FILE = "features.npz"


@names_arguments
@register
class NetworkTower(Tower):
    """Maps the ids of a vocabulary to points that a Keras network computes from the id and its features.

    The tower holds the features of all ids, so that negatives can be sampled from the whole catalogue and exported models take
    ids only. Without features, the network is called with the raw ids, `(batch,)`; with features, with a dictionary of the
    features, each `(batch, ...)`, and of the ids under `id_name`. Features are assets, as the ids are: they are saved with the
    model and are not in its config.

    Args:
        ids: The vocabulary, distinct strings or integers, or its size, see `Tower`.
        network: A Keras model or layer that returns vectors, `(batch, dim)`.
        features: A dictionary of arrays or lists, with one row per id each. Defaults to `None`, no features.
        id_name: String, key of the ids in the dictionary that is passed to the network. Defaults to `"id"`.
        output: String. "tangent" if the network returns Euclidean vectors, as any TFRS tower does, which `expmap0` maps to the
            ball; "ball" if it returns points of the ball of this curvature, as the layers of `hyperml_tf` do. Defaults to
            `"tangent"`.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        **kwargs: `id_dtype`, see `Tower`, and base layer keyword arguments, such as `name`.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Points, `(..., dim)`; the origin for unknown ids.

    Raises:
        ValueError: If a feature does not have one row per id, or holds a NaN or an infinity, or if the network does not return
            `(batch, dim)`.
        tf.errors.InvalidArgumentError: In a training step, if the network returns a NaN or an infinity.

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
        check_instance(tf.keras.layers.Layer, network=self.network)
        check_instance(Mapping, type(None), features=features)
        check_text(id_name=id_name)
        self._takes_training = "training" in inspect.signature(self.network.call).parameters
        self.id_name, self.output_kind = id_name, output
        self._features = self._as_features(features or {})
        # Dummy ids build the network, because a tower from a config has no ids yet.
        shape = self._vectors(tf.zeros([1], tf.int32), tf.zeros([1], self.lookup.id_dtype)).shape
        if shape.rank != 2 or shape[1] is None:
            raise ValueError(f"`network` must return vectors of a known size, (batch, dim). Received: shape {shape}")
        self.dim = int(shape[1])

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        flat = tf.reshape(codes, [-1])
        vectors = self._vectors(flat, self.lookup.raw(flat), training)
        if training:
            vectors = self._checked(vectors, flat)
        c = self.curvature()
        points = poincare.project(vectors, c) if self.output_kind == "ball" else poincare.expmap0(vectors, c)
        return tf.reshape(points, tf.concat([tf.shape(codes), [self.dim]], axis=0))

    def _checked(self, vectors: Tensor, codes: Tensor) -> Tensor:
        """The vectors, in a training step that fails before it changes a weight if one is not finite."""
        # The geometry needs a squared norm that does not overflow.
        finite = tf.math.is_finite(numerics.squared_norm(vectors, keepdims=False))
        first = tf.gather(codes, tf.argmin(tf.cast(finite, tf.int32))[tf.newaxis])
        data = [
            f"The network of the layer {self.name!r} must return finite vectors, of a norm below 1e19. Received others for the id"
        ]
        data += [self.lookup.raw(first)]
        for name, values in self._features.items():
            data += [f"with the feature {name!r}", tf.gather(values, first)]
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(finite), data, summarize=8)]):
            return tf.identity(vectors)

    def _vectors(self, codes: Tensor, ids: Tensor, training: bool = False) -> Tensor:
        inputs: Any = ids
        if self._features:
            features = {name: tf.gather(values, codes) for name, values in self._features.items()}
            inputs = {self.id_name: ids, **features}
        return self.network(inputs, training=training) if self._takes_training else self.network(inputs)

    def _as_features(self, features: Mapping[str, Any]) -> dict[str, Tensor]:
        values = {name: _feature(name, values, len(self.lookup)) for name, values in features.items()}
        for name, value in values.items():
            self._check_feature(name, value)
        return values

    def _check_feature(self, name: str, values: Tensor) -> None:
        """A NaN in the feature of one id would become a NaN in every weight of the network."""
        if not values.dtype.is_floating:
            return
        finite = np.isfinite(values.numpy()).reshape(len(values), -1).all(axis=1)
        if not finite.all():
            first = int(np.argmin(finite))
            ids = self.lookup.known_ids()
            of = f"row {first}" if ids is None else f"the id {ids.tolist()[first]!r}"
            raise ValueError(
                f"`features[{name!r}]` must be finite in float32: fill in missing values, and add a feature that marks them. "
                f"Received: {values[first].numpy().tolist()} for {of}, and {np.count_nonzero(~finite)} such rows"
            )

    @property
    def feature_specs(self) -> dict[str, Any]:
        """The dtype and shape of each feature, as in the config."""
        return {
            name: {"dtype": values.dtype.name, "shape": values.shape[1:].as_list()}
            for name, values in self._features.items()
        }

    def save_assets(self, dir_path: str) -> None:
        """Writes the features to a directory; Keras calls it when it saves the model."""
        arrays = {name: values.numpy() for name, values in self._features.items()}
        decode = np.vectorize(bytes.decode, otypes=[object])
        arrays = {name: decode(array) if array.dtype.kind == "O" else array for name, array in arrays.items()}
        save_arrays(Path(dir_path) / _FILE, arrays)

    def load_assets(self, dir_path: str) -> None:
        """Reads the features from a directory; Keras calls it when it loads the model."""
        arrays = load_arrays(Path(dir_path) / _FILE)
        self._features = self._as_features({name: arrays[name] for name in self._features})

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "network": tf.keras.utils.serialize_keras_object(self.network),
            "features": self.feature_specs or None,
            "id_name": self.id_name,
            "output": self.output_kind,
        }


def _feature(name: str, values: Any, rows: int) -> Tensor:
    """A feature as a tensor; a placeholder of zeros or empty strings if only its spec is given."""
    if isinstance(values, Mapping):
        return tf.zeros([rows, *values["shape"]], values["dtype"])
    array = np.asarray(values)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # an infinity is refused by its name
            array = array.astype(np.float32)
    if array.ndim == 0 or len(array) != rows:
        raise ValueError(
            f"`features[{name!r}]` must have one row for each of the {rows} ids. "
            f"Received: shape {array.shape} of {array.dtype}"
        )
    return tf.constant(array.tolist() if array.dtype.kind in "OUS" else array)
