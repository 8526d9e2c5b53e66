"""An exact index of points in full precision, which one matrix product per query batch ranks."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.geometry import poincare
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.checks import check_finite
from hyperml_tf.retrieval.exclusions import Exclusion
from hyperml_tf.retrieval.top_k import top_k_by_proximity


@names_arguments
class ExactIndex(NamedTuple):
    """An exact index of a catalogue, made by `ExactIndex.of`. Its points are sorted by norm.

    Norms are stored separately, because matrix products with rows of odd length take 1.5 times as long. Points are sorted so that
    the maximum of a block of products is a tight bound of the scores in it, see `top_k_by_proximity`.

    Attributes:
        rows: The points, `(n, dim)`; a tensor or a variable, as all others.
        squared_norms: `|y|^2`, `(n, 1)`, ascending.
        factors: Conformal factors, `(n, 1)`, ascending.
        order: The candidate in each row, `(n,)`, int32.
        place: The row of each candidate, `(n,)`, int32.

    Example:

    >>> index = ExactIndex.of(tf.constant([[0.5, 0.0], [0.0, 0.5]]), c=tf.constant(1.0))
    >>> index.points(tf.constant([1])).numpy().tolist()
    [[0.0, 0.5]]
    """

    rows: Tensor
    squared_norms: Tensor
    factors: Tensor
    order: Tensor
    place: Tensor

    @classmethod
    def of(cls, points: Tensor, c: Tensor) -> ExactIndex:
        """Creates an index of points of the ball.

        Args:
            points: Points, `(n, dim)`.
            c: Scalar >= 0, curvature.

        Raises:
            ValueError: If a point is not finite: it would hide others from the search.
        """
        points, c = numerics.promote(points=points, c=c)
        check_finite(points)
        order = tf.argsort(numerics.squared_norm(points)[:, 0], stable=True)
        points = tf.gather(points, order)
        factors = poincare.conformal_factor(points, c, keepdims=True)
        return cls(points, numerics.squared_norm(points), factors, order, tf.math.invert_permutation(order))

    def in_variables(self) -> ExactIndex:
        """Returns a copy whose parts are variables, for a SavedModel or the weights of a layer."""
        names = ("item_points", "item_squared_norms", "item_factors", "item_order", "item_places")
        parts = zip(self, names, strict=True)
        return ExactIndex(*(tf.Variable(part, trainable=False, name=name) for part, name in parts))

    @property
    def n(self) -> int:
        """Number of candidates."""
        return int(self.rows.shape[0])

    @property
    def dim(self) -> int:
        """Dimension of the points."""
        return int(self.rows.shape[1])

    @property
    def spare(self) -> int:
        """Number of candidates beyond `k` that are re-ranked, because rounding errors can swap close ones."""
        return 16

    @property
    def precision(self) -> str:
        """The dtype of the coordinates in the search."""
        return "float32" if self.rows.dtype == tf.float32 else "float64"

    def points(self, candidates: Tensor) -> Tensor:
        """Returns the points, `(..., dim)`, of indices of candidates, `(...)`."""
        index = self._read()
        return tf.gather(index.rows, tf.gather(index.place, candidates))

    def best(self, queries: Tensor, k: Tensor, exclusion: Exclusion | None = None) -> tuple[Tensor, Tensor]:
        """Finds the candidates of highest proximity.

        Args:
            queries: Queries in the Klein model, `poincare.ordering.to_klein(x, c)`, `(batch, dim)`.
            k: Integer scalar in `[1, n]`, number of candidates.
            exclusion: Optional `Exclusion`. Defaults to `None`, no exclusions.

        Returns:
            Scores and int32 indices of candidates, `(batch, k)` each, best first. Excluded candidates have the lowest number of
            the dtype, or less, as score.
        """
        index = self._read()
        products = tf.matmul(queries, index.rows, transpose_b=True)
        norms, factors = index.squared_norms[:, 0], index.factors[:, 0]
        there = None if exclusion is None else exclusion.at(index.place)
        values, rows = top_k_by_proximity(products, norms, factors, k, there)
        return values, tf.gather(index.order, rows)

    def _read(self) -> ExactIndex:
        # Reading a whole variable copies nothing. After a gather from the variable itself, TensorFlow would copy it in every
        # read.
        return ExactIndex(*(tf.convert_to_tensor(part) for part in self))
