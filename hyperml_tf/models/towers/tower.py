"""What query and candidate towers share: raw ids in, points of the ball out."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import IdLookup, SeenItems


class Tower(HyperbolicLayer):
    """Base class of towers. A subclass says in `points` where the ids of its vocabulary lie.

    Called with raw ids, `(...)`, it returns points, `(..., dim)`. An unknown id lies at the origin.

    Args:
        ids: the vocabulary, distinct strings or integers, whose order gives the codes; or its size, where the ids are set or
            loaded later, as by `from_config`; see `IdLookup`.
        curvature: the curvature `c >= 0`, a number or a `Curvature`.
        id_dtype: "string" or "int64", where `ids` is a size.
        **kwargs: as for every Keras layer.
    """

    block = 65536
    """Ids at a time in `all_points`."""

    seen: SeenItems | None = None
    """What the ids of the vocabulary, as users, have seen, if it is what places them."""

    def __init__(
        self,
        ids: Any,
        curvature: CurvatureArgument = 1.0,
        id_dtype: Literal["string", "int64"] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(curvature=curvature, **kwargs)
        self.lookup = IdLookup(ids, id_dtype)

    @property
    def ids(self) -> np.ndarray:
        """The vocabulary, int64 or object array of `str`."""
        return self.lookup.ids

    def __len__(self) -> int:
        return len(self.lookup)

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        """Codes in `[0, len(self))`, `(...)` -> points of the ball, `(..., dim)`."""
        raise NotImplementedError("A tower says where its ids lie.")

    def training_points(self, users: Tensor, items: Tensor, seed: Tensor) -> Tensor:
        """The points of users in a training step, as if they had not interacted with the positives of the step yet.

        Args:
            users: codes, `(batch,)`.
            items: codes of the positive of each, `(batch,)`.
            seed: two integers; the same seed draws the same.

        Returns:
            Points, `(batch, dim)`.
        """
        return self.points(users, training=True)

    def points_or_origin(self, codes: Tensor, training: bool = False) -> Tensor:
        """As `points`, with the origin for the code -1 of an unknown id."""
        known = codes >= 0
        return tf.where(known[..., tf.newaxis], self.points(tf.maximum(codes, 0), training), 0.0)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return self.points_or_origin(self.lookup(inputs), training)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        # Raw ids may come as a list; Keras would take that for several tensors.
        inputs = tf.convert_to_tensor(inputs) if isinstance(inputs, (list, np.ndarray)) else inputs
        return super().__call__(inputs, *args, **kwargs)

    def all_points(self) -> Tensor:
        """The points of the whole vocabulary in the order of its codes, `(n, dim)`, computed block by block."""
        starts = range(0, len(self), self.block)
        blocks = [self.points(tf.range(start, min(start + self.block, len(self)))) for start in starts]
        return tf.concat(blocks, axis=0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": len(self), "id_dtype": self.lookup.id_dtype}
