"""A Keras layer that finds the nearest candidates by hyperbolic distance."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.exclusions import Exclusion, exclude_matrix
from hyperml_tf.retrieval.nearest import nearest
from hyperml_tf.retrieval.quantised_index import QuantisedIndex
from hyperml_tf.tables import IdLookup
from hyperml_tf.tables.ids import id_array

Precision = Literal["float32", "float16", "bfloat16"]


@names_arguments
@register
class NearestNeighbors(tf.keras.layers.Layer):
    """Exact nearest-neighbour retrieval by hyperbolic distance, the counterpart of `tfrs.layers.factorized_top_k.BruteForce`.

    Fill it by `index` or `index_from_dataset`, and call it with points of the same ball. It works with points from any model, not
    only those of `hyperml_tf`. Points and identifiers are part of its state, which is saved in `.keras` files and SavedModels.

    In float32, results are exact up to a distance of about 8 / sqrt(c) from the origin, see `hyperml_tf.retrieval.nearest`.

    Args:
        k: Integer >= 1, default number of neighbours, at most the size of the catalogue. Defaults to `10`.
        curvature: Float >= 0, curvature of the ball. At 0 the space is Euclidean, with the distance `2 |x - y|`. Defaults to
            `1.0`.
        query_model: Keras model or layer that maps the inputs to points. Defaults to `None`: the inputs are points.
        precision: String, "float32", "float16" or "bfloat16". The index in half precision takes three quarters of the memory,
            see `QuantisedIndex`. Defaults to `"float32"`.
        **kwargs: Base layer keyword arguments, such as `name`.

    Call arguments:
        queries: Points, `(batch, dim)`, or the inputs of `query_model`.
        k: Optional integer >= 1, number of neighbours. Defaults to that of the layer.

    Input shape:
        Points, `(batch, dim)`.

    Output shape:
        Distances, `(batch, k)`, float32, ascending, and identifiers, `(batch, k)`. If exclusions leave fewer than `k` candidates,
        the distance is infinite and the identifier is `""`, or -1 for integers.

    Raises:
        ValueError: If an argument is out of its range. When called before it has candidates.

    Example:

    >>> layer = NearestNeighbors(k=1)
    >>> layer = layer.index(tf.constant([[0.5, 0.0], [0.0, 0.5]]), identifiers=["east", "north"])
    >>> distances, identifiers = layer(tf.constant([[0.4, 0.1]]))
    >>> identifiers.numpy().tolist()
    [[b'east']]
    """

    def __init__(
        self,
        k: int = 10,
        curvature: float = 1.0,
        query_model: Any = None,
        precision: Precision = "float32",
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        k = count(k=k)
        if not 0 <= curvature < float("inf"):
            raise ValueError(f"`curvature` must be a finite number >= 0. Received: curvature={curvature}")
        if precision not in get_args(Precision):
            raise ValueError(f"`precision` must be one of {get_args(Precision)}. Received: precision={precision!r}")
        self.k, self.curvature, self.precision = k, float(curvature), precision
        is_config = isinstance(query_model, dict)
        self.query_model = tf.keras.utils.deserialize_keras_object(query_model) if is_config else query_model
        self.lookup: IdLookup | None = None
        self._index: Any = None

    def index(self, candidates: Tensor, identifiers: Any = None) -> NearestNeighbors:
        """Builds the index, replacing any previous one.

        Args:
            candidates: Points of the ball, `(n, dim)`.
            identifiers: Distinct strings or integers, `(n,)`. Defaults to `None`, the indices `0` to `n - 1`.

        Returns:
            The layer itself.

        Raises:
            ValueError: If the shapes do not match, if a point is not finite or not in the ball, or if identifiers are not unique.
        """
        points = np.asarray(candidates, np.float32)
        if points.ndim != 2 or 0 in points.shape:
            raise ValueError(f"`candidates` must be points, (n, dim). Received: shape {points.shape}")
        ids = np.arange(len(points)) if identifiers is None else id_array(_as_array(identifiers), "identifiers")
        if len(ids) != len(points):
            raise ValueError(
                f"`identifiers` must have one entry per candidate, {len(points)}. Received: {len(ids)} identifiers"
            )
        self._check_points(points, ids)
        self.lookup = IdLookup(ids, name="identifiers")
        self._fill(tf.constant(points))
        return self

    def index_from_dataset(self, candidates: tf.data.Dataset) -> NearestNeighbors:
        """Builds the index from a dataset, replacing any previous one.

        Args:
            candidates: A `tf.data.Dataset` of batches of points, `(batch, dim)`, or of tuples of identifiers and points, as in
                TFRS.

        Returns:
            The layer itself.

        Raises:
            ValueError: If the dataset is empty, or for the reasons given in `index`.
        """
        batches = [batch if isinstance(batch, tuple) else (None, batch) for batch in candidates]
        if not batches:
            raise ValueError("`candidates` must be a dataset of points. Received: an empty dataset")
        identifiers, points = zip(*batches, strict=True)
        joined = None if identifiers[0] is None else np.concatenate([_as_array(part) for part in identifiers])
        return self.index(np.concatenate([np.asarray(part) for part in points]), joined)

    def call(self, queries: Any, k: int | None = None) -> tuple[Tensor, Tensor]:
        return self._nearest(queries, k, None)

    def query_with_exclusions(self, queries: Any, exclusions: Any, k: int | None = None) -> tuple[Tensor, Tensor]:
        """Finds nearest neighbours with exclusions per query, as in TFRS.

        Args:
            queries: Points, `(batch, dim)`, or the inputs of `query_model`.
            exclusions: Identifiers to exclude, `(batch, m)`. Unknown ones are ignored.
            k: Optional integer >= 1, number of neighbours. Defaults to that of the layer.

        Returns:
            Distances and identifiers, as the layer.
        """
        codes = self._filled()(tf.convert_to_tensor(exclusions))
        return self._nearest(queries, k, exclude_matrix(codes))

    def is_exact(self) -> bool:
        """Returns `True`: retrieval is exact. Part of the interface of TFRS layers."""
        return True

    def _nearest(self, queries: Any, k: int | None, exclusion: Exclusion | None) -> tuple[Tensor, Tensor]:
        lookup = self._filled()
        points = tf.convert_to_tensor(queries if self.query_model is None else self.query_model(queries))
        if points.shape.rank != 2 or points.shape[1] not in (None, self._index.dim):
            raise ValueError(f"`queries` must be points, (batch, {self._index.dim}). Received: shape {points.shape}")
        wanted = self.k if k is None else k
        if not tf.is_tensor(wanted):
            wanted = count(k=wanted)
        indices, distances = nearest(tf.cast(points, tf.float32), self._index, self._c(), wanted, exclusion)
        return distances, lookup.raw(lookup.checked(indices))

    def _filled(self) -> IdLookup:
        if self.lookup is None:
            raise ValueError(f"The layer {self.name!r} has no candidates yet: call `index` or `index_from_dataset`.")
        return self.lookup

    def _c(self) -> Tensor:
        return tf.constant(self.curvature, tf.float32)

    def _fill(self, points: Tensor) -> None:
        index = (
            ExactIndex.of(points, self._c())
            if self.precision == "float32"
            else QuantisedIndex.of(points, self._c(), self.precision)
        )
        self._index = index.in_variables()

    def _check_points(self, points: np.ndarray, ids: np.ndarray) -> None:
        finite = np.isfinite(points).all(axis=1)
        if not finite.all():
            first = int(np.argmin(finite))
            raise ValueError(
                f"`candidates` must be finite. Received: row {first}, of {ids.tolist()[first]!r}, holds "
                f"{points[first][~np.isfinite(points[first])][0]}"
            )
        limit = numerics.ball_limit(tf.float32)
        outside = self.curvature * np.square(points.astype(np.float64)).sum(axis=1) > (limit + 1e-6) ** 2
        if outside.any():
            first = int(np.argmax(outside))
            raise ValueError(
                f"`candidates` must lie in the ball of curvature {self.curvature}: `geometry.poincare.project` moves points "
                f"inside. Received: row {first}, of {ids.tolist()[first]!r}, with norm {np.linalg.norm(points[first]):.6g}"
            )

    def save_own_variables(self, store: Any) -> None:
        for number, part in enumerate(self._index or ()):
            value = part.numpy()
            # HDF5 has no bfloat16.
            store[str(number)] = value.view(np.uint16) if part.dtype == tf.bfloat16 else value

    def load_own_variables(self, store: Any) -> None:
        for number, part in enumerate(self._index or ()):
            value = np.asarray(store[str(number)])
            part.assign(value.view(part.dtype.as_numpy_dtype) if part.dtype == tf.bfloat16 else value)

    def get_config(self) -> dict[str, Any]:
        model = self.query_model
        return {
            **super().get_config(),
            "k": self.k,
            "curvature": self.curvature,
            "query_model": None if model is None else tf.keras.utils.serialize_keras_object(model),
            "precision": self.precision,
            "candidates": None if self._index is None else [self._index.n, self._index.dim],
            "id_dtype": None if self.lookup is None else self.lookup.id_dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> NearestNeighbors:
        """Creates a layer with an index of the same size. Points are loaded with the weights, identifiers as assets."""
        config = dict(config)
        shape, id_dtype = config.pop("candidates", None), config.pop("id_dtype", None)
        layer = cls(**config)
        if shape is not None:
            layer.lookup = IdLookup(shape[0], id_dtype, name="identifiers")
            layer._fill(tf.zeros(shape))
        return layer


def _as_array(identifiers: Any) -> np.ndarray:
    return np.asarray(identifiers.numpy() if isinstance(identifiers, tf.Tensor) else identifiers)
