"""The points of the catalogue in about three quarters of the space, half of which a search passes over."""

from __future__ import annotations

from typing import Any, Literal

import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor, squared_norm
from hyperml_tf.retrieval.blocks import in_blocks
from hyperml_tf.retrieval.catalogue_points import CataloguePoints
from hyperml_tf.retrieval.stored_points import StoredPoints

HalfPrecision = Literal["float16", "bfloat16"]

_SAMPLE = 256


class SmallPoints(CataloguePoints):
    """Points in half precision, with what they lack in one byte a coordinate.

    A search ranks by the coordinates in half precision and exact norms, which put the error of a point at right angles to the way
    to the origin, where it weighs least. The winners are then completed by their remainders, to 19 bits a coordinate with float16
    and 16 with bfloat16, and put in order by their distances, computed in float32. A coordinate takes 3 bytes in place of 4.

    Args:
        points: `(n, dim)` points of the ball.
        c: the curvature, a scalar >= 0.
        precision: "float16" or "bfloat16".

    Raises:
        ValueError: if `precision` is neither.
    """

    # Half precision may put a good candidate some places too low: more are taken than of exact points.
    slack = 4 * search.SLACK

    def __init__(self, points: Tensor, c: Tensor, precision: HalfPrecision = "float16") -> None:
        if precision not in ("float16", "bfloat16"):
            raise ValueError(f'`precision` must be "float16" or "bfloat16". Received: {precision!r}')
        points = tf.convert_to_tensor(points)
        super().__init__(points)
        self.precision = precision
        half = tf.cast(points, precision)
        rest = points - tf.cast(half, points.dtype)
        step = tf.reduce_max(tf.abs(rest), axis=1) / 127.0
        remainders = tf.round(tf.math.divide_no_nan(rest, step[:, tf.newaxis]))
        squared = squared_norm(points)[:, 0]
        self.half = tf.Variable(half, trainable=False, name="item_half")
        self.remainders = tf.Variable(tf.cast(remainders, tf.int8), trainable=False, name="item_remainders")
        self.steps = tf.Variable(step, trainable=False, name="item_steps")
        self.squared = tf.Variable(squared, trainable=False, name="item_squared_norms")
        self.factors = tf.Variable(poincare.conformal_factor(points, c), trainable=False, name="item_factors")
        self.report = _report(self, points, c)

    def best(self, vectors: Tensor, k: Tensor, restrict: search.Restriction | None = None) -> tuple[Tensor, Tensor]:
        scores = self.scores(vectors)
        return search.top(scores if restrict is None else restrict(scores, None), k)

    def scores(self, vectors: Tensor) -> Tensor:
        """Vectors of queries, `search.klein(x)`, `(batch, dim)` -> scores, `(n, batch)`.

        Coordinates are widened block by block: no copy of the whole is ever made.
        """

        def product(half: Tensor, squared: Tensor, factors: Tensor) -> tuple[Tensor]:
            products = tf.matmul(tf.cast(half, vectors.dtype), vectors, transpose_b=True)
            return ((products - squared[:, tf.newaxis]) * factors[:, tf.newaxis],)

        inputs = [part.read_value() for part in (self.half, self.squared, self.factors)]
        spec = tf.TensorSpec([None, None], vectors.dtype)
        return in_blocks(product, inputs, self.dim + tf.shape(vectors)[0], [spec])[0]

    def points(self, codes: Tensor) -> Tensor:
        """Codes in `[0, n)`, `(...)` -> points, `(..., dim)`, at their exact distance from the origin."""
        # Of what was read, not of the variables: see `StoredPoints`.
        parts = (part.read_value() for part in (self.half, self.remainders, self.steps, self.squared))
        half, remainders, step, squared = (tf.gather(part, codes) for part in parts)
        step, squared = step[..., tf.newaxis], squared[..., tf.newaxis]
        points = tf.cast(half, step.dtype) + step * tf.cast(remainders, step.dtype)
        return points * tf.sqrt(tf.math.divide_no_nan(squared, squared_norm(points)))


def _report(small: SmallPoints, points: Tensor, c: Tensor) -> dict[str, Any]:
    """Size and answers beside those of `StoredPoints`, for some items as queries."""
    exact = StoredPoints(points, c)
    chosen = tf.cast(tf.linspace(0, small.n - 1, min(small.n, _SAMPLE)), tf.int32)
    queries = tf.gather(points, chosen)
    vectors = search.klein(queries, c)
    k = min(10, small.n)
    (expected, distances), (found, small_distances) = (
        search.winners(queries, held.best(vectors, min(k + held.slack, held.n)), held.points, c, k)
        for held in (exact, small)
    )
    shared = tf.reduce_any(expected[:, :, tf.newaxis] == found[:, tf.newaxis, :], axis=2)
    return {
        "bytes": small.size,
        "float32_bytes": exact.size,
        f"overlap@{k}": round(float(tf.reduce_mean(tf.cast(shared, tf.float32))), 4),
        "largest_distance_error": float(tf.reduce_max(tf.abs(distances - small_distances))),
        "queries": len(chosen),
    }
