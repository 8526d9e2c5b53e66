"""What an export asks of the points of its catalogue, however they are held."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.numerics import Tensor


class CataloguePoints(tf.Module):
    """Base class of points that are searched inside an export.

    Args:
        points: `(n, dim)` points of the ball.
    """

    precision: str
    """What the coordinates that are searched are held in."""

    slack: int
    """Candidates to take beyond `k` before the exact ordering."""

    def __init__(self, points: Tensor) -> None:
        super().__init__(name="item_points")
        self.n, self.dim = (int(size) for size in points.shape)

    def best(self, vectors: Tensor, k: Tensor, restrict: search.Restriction | None = None) -> tuple[Tensor, Tensor]:
        """As `search.Searchable.best`, with codes of items for candidates."""
        raise NotImplementedError("Points say how they are searched.")

    def points(self, codes: Tensor) -> Tensor:
        """Codes in `[0, n)`, `(...)` -> points, `(..., dim)`."""
        raise NotImplementedError("Points say where they lie.")

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(variable.shape.num_elements() * variable.dtype.size for variable in self.variables)
