"""The tower of the Euclidean baselines: one vector per id."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_checks import random_seed
from hyperml_tf._keras import register
from hyperml_tf.initializers import WrappedNormal
from hyperml_tf.layers.norm_limit import limit_norm
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.id_list import vocabulary


@register
class VectorTower(Tower):
    """Maps the ids of a vocabulary to trainable vectors: `IdTower` at curvature 0, without the exponential map.

    Args:
        ids: The vocabulary, distinct strings or integers, or its size, see `Tower`.
        dim: Integer >= 1, dimension of the vectors.
        initial_stddev: Float > 0, standard deviation of the initial, normally distributed coordinates. Defaults to `0.1`.
        max_norm: Optional float > 0, largest norm of a vector. Longer rows are rescaled, as by `HyperbolicEmbedding`. Defaults to
            `None`, no limit.
        seed: Integer, random seed of the initial vectors. Defaults to `0`.
        **kwargs: Base layer keyword arguments, such as `name` and `dtype`.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Vectors, `(..., dim)`; zero vectors for unknown ids.

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
        """Creates the tower of a role, "query" or "candidate", each with its own initial vectors. See the class for arguments."""
        ids, seed = vocabulary(**{f"{role}_ids": ids}), random_seed(seed=seed)
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
    """Returns an initializer of independent normal coordinates with the given standard deviation."""
    return WrappedNormal(2.0 * stddev * math.sqrt(dim), seed)
