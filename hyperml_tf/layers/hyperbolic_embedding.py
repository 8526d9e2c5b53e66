"""The table of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf import ball_variables as manifold
from hyperml_tf import numerics
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.initializers import WrappedNormal
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer, InitializerLike, RegularizerLike
from hyperml_tf.numerics import Tensor

_MODES = ("tangent", "direct")


@register
class HyperbolicEmbedding(HyperbolicLayer):
    """Turns integer ids into points of the Poincaré ball.

    Two ways to hold a point, which start at the same place for the same initializer:

    - `mode="tangent"`: the table holds tangent vectors at the origin, ordinary parameters for any optimizer, and the output
      is `expmap0` of the rows that were looked up.
    - `mode="direct"`: the table holds the points. Use it with `hyperml_tf.optimizers`, which follow the Riemannian gradient on
      variables marked by `hyperml_tf.manifold`, as this one is. Any other optimizer takes Euclidean steps; the rows
      that were looked up are brought back into the ball on the way out, also when a learned curvature has grown.

    No call touches more than the rows it looks up, and the gradient of the table is a `tf.IndexedSlices`. That is why there is
    no `embeddings_constraint`: Keras would apply it to the whole table at every step.

    A row beyond the limit radius (the boundary of the ball, or `max_tangent_norm`) is output at that radius. Its gradient
    keeps the tangential part and, if a descent step would shorten the row, the radial part, so that it can come back.

    Args:
        input_dim: number of rows; ids are in `[0, input_dim)`.
        output_dim: dimension of the points.
        curvature: the curvature `c >= 0`, a number or a `Curvature`. At `c = 0` this is `tf.keras.layers.Embedding`.
        mode: "tangent" or "direct".
        embeddings_initializer: initializer of the *tangent vectors* in both modes. None: `WrappedNormal()`, an initial distance
            from the origin of about 0.16.
        embeddings_regularizer: a function of tangent vectors, in both modes. It is given the rows that were looked up, and its
            value is divided by their number. `|v|^2` is a quarter of the squared distance from the origin.
        max_tangent_norm: largest norm of a tangent vector, > 0, which is half the largest distance from the origin. None: only
            the ball itself is a limit (a distance of about 12 / sqrt(c) in float32).
        mask_zero: whether id 0 is padding, to be masked out by the layers that follow.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`, as for every layer of ours.

    Raises:
        ValueError: if a size or `max_tangent_norm` is not positive, or `mode` is unknown.
        tf.errors.InvalidArgumentError: on a call on a CPU, if an id is out of range. A GPU returns the origin instead.

    Input shape: integer ids, `(...)`.

    Output shape: points, `(..., output_dim)`, float32 (or float64 with `dtype="float64"`).

    Example:

    >>> layer = HyperbolicEmbedding(input_dim=100, output_dim=8)
    >>> layer(tf.constant([[1, 2, 3]])).shape
    TensorShape([1, 3, 8])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        curvature: CurvatureArgument = 1.0,
        mode: Literal["tangent", "direct"] = "tangent",
        embeddings_initializer: InitializerLike = None,
        embeddings_regularizer: RegularizerLike = None,
        max_tangent_norm: float | None = None,
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(curvature=curvature, **kwargs)
        if input_dim <= 0 or output_dim <= 0:
            raise ValueError(
                "`input_dim` and `output_dim` must be positive. "
                f"Received: input_dim={input_dim}, output_dim={output_dim}"
            )
        if mode not in _MODES:
            raise ValueError(f"`mode` must be one of {_MODES}. Received: mode={mode!r}")
        if max_tangent_norm is not None and not max_tangent_norm > 0:
            raise ValueError(f"`max_tangent_norm` must be positive. Received: max_tangent_norm={max_tangent_norm}")
        self.input_dim = int(input_dim)
        self.output_dim = int(output_dim)
        self.mode = mode
        self.embeddings_initializer = tf.keras.initializers.get(embeddings_initializer) or WrappedNormal()
        self.embeddings_regularizer = tf.keras.regularizers.get(embeddings_regularizer)
        self.max_tangent_norm = None if max_tangent_norm is None else float(max_tangent_norm)
        self.mask_zero = bool(mask_zero)

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self._initial_points if self.mode == "direct" else self.embeddings_initializer,
            experimental_autocast=False,
        )
        if self.mode == "direct":
            # The number where there is one: an optimizer then folds it, and no layer is kept alive by a variable.
            curvature = self.curvature
            manifold.mark_on_ball(self.embeddings, curvature if curvature.learned else curvature.initial_value)
        super().build(input_shape)

    def _initial_points(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        return poincare.expmap0(self.embeddings_initializer(shape, dtype=dtype, **kwargs), self.curvature())

    def call(self, inputs: Tensor, adjust: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Ids to points.

        Args:
            inputs: integer ids, `(...)`.
            adjust: what to make of the rows that were looked up, `(..., output_dim)`, before they become points: with it a
                point may depend on more than its own row.
        """
        rows = self._lookup(inputs)
        if adjust is not None:
            rows = adjust(rows)
        c = tf.cast(self.curvature(), rows.dtype)
        limit = self.norm_limit(c)
        if self.mode == "direct":
            points = limit_norm(rows, limit)
            self._regularize(lambda: poincare.logmap0(points, c))
            return points
        # Limit and map are each a factor that depends on the norm alone: rows are measured once and multiplied once.
        squared = numerics.squared_norm(rows)
        self._regularize(lambda: rows * limit_factor(numerics.safe_sqrt(squared), limit))
        return rows * _map_factor(squared, limit, c)

    def _regularize(self, tangent: Callable[[], Tensor]) -> None:
        if self.embeddings_regularizer is not None:
            vectors = tangent()
            count = tf.cast(tf.maximum(tf.size(vectors) // self.output_dim, 1), vectors.dtype)
            self.add_loss(self.embeddings_regularizer(vectors) / count)

    def _lookup(self, inputs: Tensor) -> Tensor:
        ids = tf.convert_to_tensor(inputs)
        if ids.dtype not in (tf.int32, tf.int64):
            ids = tf.cast(ids, tf.int64)
        try:
            return tf.nn.embedding_lookup(self.embeddings, ids)
        except tf.errors.InvalidArgumentError as error:
            raise tf.errors.InvalidArgumentError(
                error.node_def,
                error.op,
                f"`inputs` of the layer {self.name!r} must be ids in [0, {self.input_dim}), the number of rows given as "
                f"`input_dim`. Received: {error.message}",
            ) from None

    def norm_limit(self, c: Tensor) -> Tensor:
        """The largest norm of a row of the table: of a tangent vector or of a point, as the mode has it."""
        limit = numerics.ball_limit(c.dtype)
        if self.mode == "tangent":
            # Twice the gap of `ball_limit`, so that rounding does not let `expmap0` cut the gradient off once more.
            limit = np.arctanh(2.0 * limit - 1.0)
        # At c = 0 there is no boundary: the floor makes the limit a very large number instead of infinity.
        boundary = limit * tf.math.rsqrt(tf.maximum(c, c.dtype.as_numpy_dtype(np.finfo(np.float32).tiny)))
        norm = self.max_tangent_norm
        if norm is None:
            return boundary
        return tf.minimum(boundary, norm if self.mode == "tangent" else norm * numerics.tanh_ratio(c * norm**2))

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return tf.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        return tf.TensorShape(input_shape).concatenate(self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "mode": self.mode,
            "embeddings_initializer": tf.keras.initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": tf.keras.regularizers.serialize(self.embeddings_regularizer),
            "max_tangent_norm": self.max_tangent_norm,
            "mask_zero": self.mask_zero,
        }


def limit_norm(x: Tensor, limit: Tensor) -> Tensor:
    """Rescales vectors `(..., dim)` longer than `limit` to that length, with a gradient that can shorten them again.

    The exact gradient of the rescaling has no radial part, so a vector that once overshot would stay at the limit for good.
    Here the radial part is kept when a descent step along it shortens the vector.

    Args:
        x: vectors, `(..., dim)`.
        limit: the largest norm, a scalar.

    Returns:
        Vectors of the same shape, unchanged where `|x| <= limit`.
    """
    beyond = tf.reduce_any(numerics.squared_norm(tf.stop_gradient(x)) > tf.square(limit))
    # Rare in training: a step in which no row is beyond the limit pays for the norms alone.
    return tf.cond(beyond, lambda: x * limit_factor(numerics.safe_norm(x), limit), lambda: tf.identity(x))


def limit_factor(norm: Tensor, limit: Tensor) -> Tensor:
    """What `limit_norm` multiplies vectors of the given norm by, of the shape of `norm`."""
    outside = norm > limit
    length = tf.where(outside, norm, tf.ones_like(norm))
    # The second term is 0: it only carries the radial gradient.
    factor = limit / length + (_only_inward(length) - tf.stop_gradient(length)) / tf.stop_gradient(length)
    return tf.where(outside, factor, tf.ones_like(factor))


@tf.custom_gradient
def _only_inward(norm: Tensor) -> Any:
    """The identity; a positive gradient (descent makes the norm smaller) passes, a negative one does not."""
    return tf.identity(norm), tf.nn.relu


@tf.custom_gradient
def _map_factor(squared_norm: Tensor, limit: Tensor, c: Tensor) -> Any:
    """What `limit_norm` and then `expmap0` multiply a tangent vector by, from its squared norm, `(..., 1)`.

    The projection of `expmap0` is left out, because the limit is inside the ball. The gradient is written out: that is a third of
    the operations.
    """
    outside = squared_norm > tf.square(limit)
    norm = tf.sqrt(tf.where(outside, squared_norm, tf.ones_like(squared_norm)))
    kept = tf.where(outside, limit / norm, tf.ones_like(norm))
    s = c * squared_norm * tf.square(kept)
    factor = kept * numerics.tanh_ratio(s)

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ratio, slope = numerics.tanh_ratio(s), numerics.tanh_ratio_slope(s)
        along = upstream * (ratio + 2.0 * s * slope) / norm
        # Beyond the limit the image does not move with the norm; what would shorten the vector passes all the same.
        beyond = (tf.nn.relu(along) - upstream * factor / norm) / (2.0 * norm)
        return (
            tf.where(outside, beyond, upstream * c * slope),
            tf.reduce_sum(tf.where(outside, along, tf.zeros_like(along))),
            tf.reduce_sum(upstream * slope * squared_norm * kept**3),
        )

    return factor, gradient
