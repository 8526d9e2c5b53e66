"""The embedding layer of the Poincaré ball."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_checks import check_positive, check_positive_integer
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.geometry import poincare
from hyperml_tf.initializers import WrappedNormal
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer, InitializerLike, RegularizerLike
from hyperml_tf.layers.norm_limit import limit_factor, limit_norm, limited_expmap0_factor
from hyperml_tf.layers.ragged import is_ragged, map_ids
from hyperml_tf.numerics import Tensor

_MODES = ("tangent", "direct")


@names_arguments
@register
class HyperbolicEmbedding(HyperbolicLayer):
    """Turns integer ids into points of the Poincaré ball: the hyperbolic counterpart of `tf.keras.layers.Embedding`.

    There are two parametrizations, which start from the same points given the same initializer:

    - `mode="tangent"`: the weights are tangent vectors at the origin, ordinary parameters for any optimizer. The output is
      `expmap0` of the rows that are looked up.
    - `mode="direct"`: the weights are the points themselves, marked as points of the ball. The optimizers of `hyperml_tf` take
      Riemannian steps for them. Any other optimizer takes Euclidean steps. Rows outside the ball, after such a step or because a
      learned curvature has grown, are projected into it when they are looked up.

    A call touches only the rows it looks up, and the gradient of the weights is a `tf.IndexedSlices`. There is therefore no
    `embeddings_constraint`, which Keras would apply to the whole matrix at every step.

    The norm of a row is limited by `max_tangent_norm` and by the boundary of the ball, which in float32 is a distance of about
    `12 / sqrt(c)` from the origin. A longer row gives a point at that limit. Its gradient keeps the tangential component, and
    the radial component if a descent step would shorten the row, so that the row can return.

    Args:
        input_dim: Positive integer, number of rows. Ids are in `[0, input_dim)`.
        output_dim: Positive integer, dimension of the points.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. At `c = 0` the layer is
            `tf.keras.layers.Embedding`. Defaults to `1.0`.
        mode: `"tangent"` or `"direct"`. Defaults to `"tangent"`.
        embeddings_initializer: Initializer for the tangent vectors at the origin, in both modes. Defaults to `None`, which is
            `hyperml_tf.initializers.WrappedNormal()`, a distance of about 0.16 from the origin.
        embeddings_regularizer: Regularizer function applied to tangent vectors at the origin, in both modes. It is applied to
            the rows that are looked up, and divided by their number. The squared norm of a tangent vector is a quarter of the
            squared distance of its point from the origin. Defaults to `None`.
        max_tangent_norm: Float > 0, the largest norm of a tangent vector, half the largest distance from the origin. Defaults to
            `None`, no limit but the boundary.
        mask_zero: Boolean, whether id 0 is padding to be masked out by the layers that follow. Defaults to `False`.
        **kwargs: Base layer keyword arguments, such as `name`, `dtype` and `activity_regularizer`.

    Call arguments:
        inputs: Integer ids, `(...)`.
        adjust: Function from the rows that are looked up, `(..., output_dim)`, to the rows to use instead, so that a point may
            depend on more than its own row. Defaults to `None`.

    Input shape:
        Integer ids, `(...)`, dense or ragged.

    Output shape:
        Points, `(..., output_dim)`.

    Raises:
        ValueError: If `input_dim` or `output_dim` is not a positive integer, if `max_tangent_norm` is not positive and finite, or
            if `mode` is unknown.
        tf.errors.InvalidArgumentError: When called on a CPU with an id out of range. A GPU returns the origin instead.

    Reference:
        - [Tran et al., HyperML, 2020](https://arxiv.org/abs/1809.01703)

    Example:

    >>> layer = HyperbolicEmbedding(input_dim=100, output_dim=8)
    >>> layer(tf.constant([[1, 2, 3]])).shape
    TensorShape([1, 3, 8])
    """

    POINTS: ClassVar[tuple[str, ...]] = ("embeddings",)

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
        check_positive_integer(input_dim=input_dim, output_dim=output_dim)
        if mode not in _MODES:
            raise ValueError(f"`mode` must be one of {_MODES}. Received: mode={mode!r}")
        if max_tangent_norm is not None:
            check_positive(max_tangent_norm=max_tangent_norm)
        self.input_dim = int(input_dim)
        self.output_dim = int(output_dim)
        self.mode = mode
        self.embeddings_initializer = tf.keras.initializers.get(embeddings_initializer) or WrappedNormal()
        self.embeddings_regularizer = tf.keras.regularizers.get(embeddings_regularizer)
        self.max_tangent_norm = None if max_tangent_norm is None else float(max_tangent_norm)
        self.mask_zero = bool(mask_zero)

    def holds_points(self, name: str) -> bool:
        return self.mode == "direct"

    def build(self, input_shape: Any = None) -> None:
        shape = (self.input_dim, self.output_dim)
        # Without autocast, which would cast the whole matrix at every call.
        if self.mode == "direct":
            self.embeddings = self._add_points(
                "embeddings", shape, self.embeddings_initializer, experimental_autocast=False
            )
        else:
            self.embeddings = self.add_weight(
                "embeddings", shape, initializer=self.embeddings_initializer, experimental_autocast=False
            )
        super().build(input_shape)

    def call(self, inputs: Tensor, adjust: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        if is_ragged(inputs):
            return map_ids(lambda ids: self.call(ids, adjust), inputs)
        rows = self._lookup(inputs)
        if adjust is not None:
            rows = adjust(rows)
        c = tf.cast(self.curvature(), rows.dtype)
        limit = self.norm_limit(c)
        if self.mode == "direct":
            points = limit_norm(rows, limit)
            self._regularize(lambda: poincare.logmap0(points, c))
            return points
        # The limit and `expmap0` both scale a row by a function of its norm, so one norm and one product are enough.
        squared = numerics.squared_norm(rows)
        self._regularize(lambda: rows * limit_factor(numerics.safe_sqrt(squared), limit))
        return rows * limited_expmap0_factor(squared, limit, c)

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
                f"`inputs` of the layer {self.name!r} must be ids in [0, {self.input_dim}), where {self.input_dim} is its "
                f"`input_dim`. Received: {error.message}",
            ) from None

    def norm_limit(self, c: Tensor) -> Tensor:
        """The largest norm of a row of the weights: of a tangent vector or of a point, depending on `mode`.

        Args:
            c: Scalar tensor, the curvature.

        Returns:
            A scalar tensor. Longer rows are output as if they had this norm.
        """
        limit = numerics.ball_limit(c.dtype)
        if self.mode == "tangent":
            # Twice the gap of `ball_limit`, so that no rounding error lets `expmap0` project the point and cut its gradient.
            limit = np.arctanh(2.0 * limit - 1.0)
        # At c = 0 there is no boundary: the floor makes the limit very large instead of infinite.
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
