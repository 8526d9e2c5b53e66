"""The standard tower: one trainable point per id."""

from __future__ import annotations

from typing import Any, Literal

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.layers import HyperbolicEmbedding
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor


@names_arguments
@register
class IdTower(Tower):
    """Maps the ids of a vocabulary to trainable points of the ball: an `IdLookup` followed by a `HyperbolicEmbedding`.

    Args:
        ids: The vocabulary, distinct strings or integers, or its size, see `Tower`.
        dim: Integer >= 1, dimension of the points.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        mode: String, "tangent" or "direct", see `HyperbolicEmbedding`. Defaults to `"tangent"`.
        embeddings_initializer: Initializer of the embeddings, see `HyperbolicEmbedding`. Defaults to `None`, that of the layer.
        embeddings_regularizer: Regularizer of the embeddings, see `HyperbolicEmbedding`. Defaults to `None`.
        max_tangent_norm: Optional float > 0, largest norm of the tangent vectors, see `HyperbolicEmbedding`. Defaults to `None`,
            the limit of the ball.
        **kwargs: `id_dtype`, see `Tower`, and base layer keyword arguments, such as `name`.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Points, `(..., dim)`; the origin for unknown ids.

    Example:

    >>> IdTower(["a", "b"], dim=4)(["b", "unknown"]).shape
    TensorShape([2, 4])
    """

    def __init__(
        self,
        ids: Any,
        dim: int,
        curvature: CurvatureArgument = 1.0,
        mode: Literal["tangent", "direct"] = "tangent",
        embeddings_initializer: InitializerLike = None,
        embeddings_regularizer: RegularizerLike = None,
        max_tangent_norm: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(ids, curvature=curvature, **kwargs)
        self.embedding = HyperbolicEmbedding(
            len(self.lookup),
            dim,
            curvature=self.curvature,
            mode=mode,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            max_tangent_norm=max_tangent_norm,
            name="embedding",
        )
        self.embedding.build()

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        return self.embedding(codes)

    def get_config(self) -> dict[str, Any]:
        table = self.embedding.get_config()
        kept = ("mode", "embeddings_initializer", "embeddings_regularizer", "max_tangent_norm")
        return {**super().get_config(), "dim": table["output_dim"], **{key: table[key] for key in kept}}
