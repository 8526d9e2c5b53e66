"""A quantised index: points in three quarters of the memory, searched in half precision and re-ranked."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ordering import proximity
from hyperml_tf.numerics import Tensor, squared_norm
from hyperml_tf.retrieval.checks import check_finite
from hyperml_tf.retrieval.chunks import in_chunks
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.exclusions import Exclusion
from hyperml_tf.retrieval.nearest import Index, nearest
from hyperml_tf.retrieval.top_k import top_k

HalfPrecision = Literal["float16", "bfloat16"]

_SAMPLE = 256


@names_arguments
class QuantisedIndex(NamedTuple):
    """A quantised index of a catalogue, made by `QuantisedIndex.of`: 3 bytes per coordinate instead of 4.

    Coordinates are in half precision, with an 8-bit remainder each. The search ranks candidates by the coordinates in half
    precision and by exact norms, so that errors are perpendicular to the direction of the origin, where they matter least. The
    best candidates are then completed by their remainders, to 19 bits per coordinate with float16 and 16 with bfloat16, and
    re-ranked by their distances in float32.

    Attributes:
        half: Coordinates in half precision, `(n, dim)`; a tensor or a variable, as all others.
        remainders: Remainders of the coordinates, in units of `steps`, `(n, dim)`, int8.
        steps: The unit of each row, `(n,)`.
        squared_norms: `|y|^2`, `(n,)`.
        factors: Conformal factors, `(n,)`.

    Example:

    >>> index = QuantisedIndex.of(tf.constant([[0.5, 0.0], [0.0, 0.5]]), c=tf.constant(1.0))
    >>> index.points(tf.constant([1])).numpy().tolist()
    [[0.0, 0.5]]
    """

    half: Tensor
    remainders: Tensor
    steps: Tensor
    squared_norms: Tensor
    factors: Tensor

    @classmethod
    def of(cls, points: Tensor, c: Tensor, precision: HalfPrecision = "float16") -> QuantisedIndex:
        """Creates an index of points of the ball.

        Args:
            points: Points, `(n, dim)`.
            c: Scalar >= 0, curvature.
            precision: String, "float16" or "bfloat16". Defaults to `"float16"`.

        Raises:
            ValueError: If `precision` is neither, or if a point is not finite, in half precision either.
        """
        if precision not in get_args(HalfPrecision):
            raise ValueError(f"`precision` must be one of {get_args(HalfPrecision)}. Received: precision={precision!r}")
        points, c = numerics.promote(points=points, c=c)
        check_finite(points)
        half = tf.cast(points, precision)
        check_finite(half, f"fit into `precision` {precision!r}; take 'bfloat16' or 'float32'")
        rest = points - tf.cast(half, points.dtype)
        steps = tf.reduce_max(tf.abs(rest), axis=1) / 127.0
        remainders = tf.cast(tf.round(tf.math.divide_no_nan(rest, steps[:, tf.newaxis])), tf.int8)
        return cls(half, remainders, steps, squared_norm(points)[:, 0], poincare.conformal_factor(points, c))

    def in_variables(self) -> QuantisedIndex:
        """Returns a copy whose parts are variables, for a SavedModel or the weights of a layer."""
        names = ("item_half", "item_remainders", "item_steps", "item_squared_norms", "item_factors")
        parts = zip(self, names, strict=True)
        return QuantisedIndex(*(tf.Variable(part, trainable=False, name=name) for part, name in parts))

    @property
    def n(self) -> int:
        """Number of candidates."""
        return int(self.half.shape[0])

    @property
    def dim(self) -> int:
        """Dimension of the points."""
        return int(self.half.shape[1])

    @property
    def spare(self) -> int:
        """Number of candidates beyond `k` that are re-ranked, because half precision may rank good ones a bit too low."""
        return 64

    @property
    def precision(self) -> str:
        """The dtype of the coordinates in the search."""
        return str(tf.as_dtype(self.half.dtype).name)

    def best(self, queries: Tensor, k: Tensor, exclusion: Exclusion | None = None) -> tuple[Tensor, Tensor]:
        """Finds the candidates of highest proximity, see `ExactIndex.best`."""
        scores = tf.transpose(self.scores(queries))
        return top_k(scores if exclusion is None else exclusion.apply(scores), k)

    def scores(self, queries: Tensor) -> Tensor:
        """Returns the proximities, `(n, batch)`, of queries in the Klein model, `(batch, dim)`.

        Coordinates are cast to the dtype of the queries chunk by chunk, without a copy of all of them.
        """

        def chunk(half: Tensor, squared: Tensor, factors: Tensor) -> tuple[Tensor]:
            products = tf.matmul(tf.cast(half, queries.dtype), queries, transpose_b=True)
            return (proximity(products, squared[:, tf.newaxis], factors[:, tf.newaxis]),)

        inputs = [tf.convert_to_tensor(part) for part in (self.half, self.squared_norms, self.factors)]
        spec = tf.TensorSpec([None, None], queries.dtype)
        return in_chunks(chunk, inputs, self.dim + tf.shape(queries)[0], [spec])[0]

    def points(self, candidates: Tensor) -> Tensor:
        """Returns the points, `(..., dim)`, of indices of candidates, `(...)`, with their exact norms."""
        # Whole variables are read, see `ExactIndex._read`.
        wanted = (self.half, self.remainders, self.steps, self.squared_norms)
        half, remainders, steps, squared = (tf.gather(tf.convert_to_tensor(part), candidates) for part in wanted)
        steps, squared = steps[..., tf.newaxis], squared[..., tf.newaxis]
        points = tf.cast(half, steps.dtype) + steps * tf.cast(remainders, steps.dtype)
        return points * tf.sqrt(tf.math.divide_no_nan(squared, squared_norm(points)))


def compare_with_exact(quantised: QuantisedIndex, points: Tensor, c: Tensor) -> dict[str, Any]:
    """Compares a quantised index with an exact one, with some of the items as queries.

    Args:
        quantised: A `QuantisedIndex`.
        points: The points it was made from, `(n, dim)`.
        c: Scalar >= 0, their curvature.

    Returns:
        A dictionary of the sizes, `bytes` and `float32_bytes`, the overlap of the ten nearest items, `overlap@10`, the
        `largest_distance_error`, and the number of `queries`.
    """
    exact = ExactIndex.of(points, c)
    chosen = tf.cast(tf.linspace(0, quantised.n - 1, min(quantised.n, _SAMPLE)), tf.int32)
    queries = tf.gather(points, chosen)
    k = min(10, quantised.n)
    (expected, distances), (found, near_distances) = (nearest(queries, index, c, k) for index in (exact, quantised))
    shared = tf.reduce_any(expected[:, :, tf.newaxis] == found[:, tf.newaxis, :], axis=2)
    return {
        "bytes": index_bytes(quantised),
        "float32_bytes": index_bytes(exact),
        f"overlap@{k}": round(float(tf.reduce_mean(tf.cast(shared, tf.float32))), 4),
        "largest_distance_error": float(tf.reduce_max(tf.abs(distances - near_distances))),
        "queries": len(chosen),
    }


def index_bytes(index: Index) -> int:
    """Returns the size of an index in bytes."""
    return sum(part.shape.num_elements() * part.dtype.size for part in index)  # type: ignore[attr-defined]
