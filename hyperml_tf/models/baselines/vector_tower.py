"""The tower of the Euclidean baselines: one vector per id."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from hyperml_tf._keras import register
from hyperml_tf.initializers import WrappedNormal
from hyperml_tf.layers.norm_limit import limit_norm
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor


@register
class VectorTower(Tower):
    """Gives every id of a vocabulary a trainable vector: `IdTower` at curvature 0, without the maps that do nothing there.

    Args:
        ids: the vocabulary, distinct strings or integers, or its size, see `Tower`.
        dim: dimension of the vectors.
        initial_stddev: standard deviation of their initial coordinates, which are normal.
        max_norm: largest norm of a vector, or None. A longer row is brought back as by `HyperbolicEmbedding`.
        seed: of the initial vectors.
        **kwargs: as for every Keras layer.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Vectors, `(..., dim)`; zero for an unknown id.

    Example:

    >>> VectorTower(["a", "b"], dim=4)(["b", "unknown"]).shape
    TensorShape([2, 4])
    """

    def __init__(
        self,
        ids: Any,
        dim: int,
        initial_stddev: float = 0.1,
        max_norm: float | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(ids, **{**kwargs, "curvature": 0.0})
        self.dim, self.initial_stddev, self.seed = int(dim), float(initial_stddev), int(seed)
        self.max_norm = None if max_norm is None else float(max_norm)
        self.embeddings = self.add_weight(
            name="embeddings", shape=(len(self), self.dim), initializer=normal(self.dim, self.initial_stddev, seed)
        )

    @classmethod
    def of(
        cls, role: str, ids: Any, dim: int, initial_stddev: float, seed: int, max_norm: float | None = None
    ) -> VectorTower:
        """The tower of a role, "query" or "candidate"; the two start differently. Other arguments: as for the class."""
        return cls(ids, dim, initial_stddev, max_norm, seed=4 * seed + (role == "candidate"), name=f"{role}_tower")

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        rows = tf.nn.embedding_lookup(self.embeddings, codes)
        return rows if self.max_norm is None else limit_norm(rows, tf.constant(self.max_norm, rows.dtype))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dim": self.dim,
            "initial_stddev": self.initial_stddev,
            "max_norm": self.max_norm,
            "seed": self.seed,
        }


def normal(dim: int, stddev: float, seed: int) -> WrappedNormal:
    """Independent normal coordinates of this standard deviation, the same for the same seed."""
    return WrappedNormal(2.0 * stddev * math.sqrt(dim), seed)
