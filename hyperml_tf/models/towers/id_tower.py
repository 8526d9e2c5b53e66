"""The standard tower: one free point per id."""

from __future__ import annotations

from typing import Any, Literal

from hyperml_tf._keras import register
from hyperml_tf.layers import HyperbolicEmbedding
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, InitializerLike, RegularizerLike
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor


@register
class IdTower(Tower):
    """Gives every id of a vocabulary a trainable point of the ball.

    Args:
        ids: the vocabulary, distinct strings or integers, or its size, see `Tower`.
        dim: dimension of the points.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        mode: "tangent" or "direct", see `HyperbolicEmbedding`.
        embeddings_initializer, embeddings_regularizer, max_tangent_norm: see `HyperbolicEmbedding`.
        **kwargs: as for every Keras layer.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Points, `(..., dim)`; the origin for an unknown id.

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
