"""A quantised index: the points of a catalogue in about three quarters of the space, half of which a search passes over."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ordering import proximity
from hyperml_tf.numerics import Tensor, squared_norm
from hyperml_tf.retrieval.chunks import in_chunks
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.exclusions import Exclusion
from hyperml_tf.retrieval.nearest import Index, nearest
from hyperml_tf.retrieval.top_k import top_k

HalfPrecision = Literal["float16", "bfloat16"]

_SAMPLE = 256


class QuantisedIndex(NamedTuple):
    """Points in half precision, with what they lack in one byte per coordinate; make one with `QuantisedIndex.of`.

    A search ranks by the coordinates in half precision and exact norms, which put the error of a point at right angles to the way
    to the origin, where it weighs least. The best are then completed by their remainders, to 19 bits per coordinate with float16
    and 16 with bfloat16, and re-ranked by their distances, computed in float32. A coordinate takes 3 bytes in place of 4.

    Attributes:
        half: coordinates in half precision, `(n, dim)`, tensors or variables as all that follows.
        remainders: what they lack, in units of `steps`, `(n, dim)` int8.
        steps: the unit of each row, `(n,)`.
        squared_norms: `|y|^2`, `(n,)`.
        factors: conformal factors, `(n,)`.

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
        """An index of points of the ball.

        Args:
            points: `(n, dim)`.
            c: curvature, a scalar >= 0.
            precision: "float16" or "bfloat16".

        Raises:
            ValueError: if `precision` is neither.
        """
        if precision not in get_args(HalfPrecision):
            raise ValueError(f"`precision` must be one of {get_args(HalfPrecision)}. Received: precision={precision!r}")
        points, c = numerics.promote(points, c)
        half = tf.cast(points, precision)
        rest = points - tf.cast(half, points.dtype)
        steps = tf.reduce_max(tf.abs(rest), axis=1) / 127.0
        remainders = tf.cast(tf.round(tf.math.divide_no_nan(rest, steps[:, tf.newaxis])), tf.int8)
        return cls(half, remainders, steps, squared_norm(points)[:, 0], poincare.conformal_factor(points, c))

    def in_variables(self) -> QuantisedIndex:
        """The same in variables, to be part of a SavedModel or of a layer's weights."""
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
        """Candidates to take beyond `k`: half precision may put a good one some places too low."""
        return 64

    @property
    def precision(self) -> str:
        """The dtype of the coordinates that are searched."""
        return str(tf.as_dtype(self.half.dtype).name)

    def best(self, queries: Tensor, k: Tensor, exclusion: Exclusion | None = None) -> tuple[Tensor, Tensor]:
        """As `ExactIndex.best`."""
        scores = self.scores(queries)
        return top_k(scores if exclusion is None else exclusion(scores, None), k)

    def scores(self, queries: Tensor) -> Tensor:
        """Proximities, `(n, batch)`, of queries in the Klein model, `(batch, dim)`.

        Coordinates are widened chunk by chunk: no copy of the whole is ever made.
        """

        def chunk(half: Tensor, squared: Tensor, factors: Tensor) -> tuple[Tensor]:
            products = tf.matmul(tf.cast(half, queries.dtype), queries, transpose_b=True)
            return (proximity(products, squared[:, tf.newaxis], factors[:, tf.newaxis]),)

        inputs = [tf.convert_to_tensor(part) for part in (self.half, self.squared_norms, self.factors)]
        spec = tf.TensorSpec([None, None], queries.dtype)
        return in_chunks(chunk, inputs, self.dim + tf.shape(queries)[0], [spec])[0]

    def points(self, candidates: Tensor) -> Tensor:
        """Indices of candidates, `(...)` -> points, `(..., dim)`, at their exact distance from the origin."""
        # Variables are read whole, see `ExactIndex`.
        wanted = (self.half, self.remainders, self.steps, self.squared_norms)
        half, remainders, steps, squared = (tf.gather(tf.convert_to_tensor(part), candidates) for part in wanted)
        steps, squared = steps[..., tf.newaxis], squared[..., tf.newaxis]
        points = tf.cast(half, steps.dtype) + steps * tf.cast(remainders, steps.dtype)
        return points * tf.sqrt(tf.math.divide_no_nan(squared, squared_norm(points)))


def compare_with_exact(quantised: QuantisedIndex, points: Tensor, c: Tensor) -> dict[str, Any]:
    """Size and answers of a quantised index beside those of an exact one, for some items as queries.

    Args:
        quantised: the index.
        points: the points it was made of, `(n, dim)`.
        c: their curvature, a scalar >= 0.

    Returns:
        `bytes` and `float32_bytes`, the share of the first ten items that both find (`overlap@10`), and
        `largest_distance_error` over some `queries`.
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
    """The memory that an index takes, in bytes."""
    return sum(part.shape.num_elements() * part.dtype.size for part in index)  # type: ignore[attr-defined]
