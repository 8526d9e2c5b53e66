"""An exact index: the points of a catalogue in full precision, ordered by one matrix product."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ordering import proximity
from hyperml_tf.numerics import Tensor
from hyperml_tf.retrieval.exclusions import Exclusion
from hyperml_tf.retrieval.top_k import top_k, top_k_by_proximity

# From so many candidates on, the passes over all scores that bounds save are worth more than the bounds cost.
_MANY = 2**16


class ExactIndex(NamedTuple):
    """A catalogue, held once, in rows that are sorted by their norm; make one with `ExactIndex.of`.

    Norms are apart from points, because a product with rows of odd length takes half as long again; sorted, because then what
    a product becomes when it is made a score hardly differs within a block of rows, see `top_k_by_proximity`.

    Attributes:
        rows: the points, `(n, dim)`, tensors or variables as all that follows.
        squared_norms: `|y|^2`, `(n, 1)`, ascending.
        factors: conformal factors, `(n, 1)`, ascending.
        order: the candidate in each row, `(n,)` int32.
        place: the row of each candidate, `(n,)` int32.

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
        """An index of points of the ball.

        Args:
            points: `(n, dim)`.
            c: curvature, a scalar >= 0.
        """
        points, c = numerics.promote(points, c)
        order = tf.argsort(numerics.squared_norm(points)[:, 0], stable=True)
        points = tf.gather(points, order)
        factors = poincare.conformal_factor(points, c, keepdims=True)
        return cls(points, numerics.squared_norm(points), factors, order, tf.math.invert_permutation(order))

    def in_variables(self) -> ExactIndex:
        """The same in variables, to be part of a SavedModel or of a layer's weights."""
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
        """Candidates to take beyond `k` before they are re-ranked: room for pairs that rounding could swap."""
        return 16

    @property
    def precision(self) -> str:
        """The dtype of the coordinates that are searched."""
        return "float32" if self.rows.dtype == tf.float32 else "float64"

    def points(self, candidates: Tensor) -> Tensor:
        """Indices of candidates, `(...)` -> points, `(..., dim)`."""
        index = self._read()
        return tf.gather(index.rows, tf.gather(index.place, candidates))

    def best(self, queries: Tensor, k: Tensor, exclusion: Exclusion | None = None) -> tuple[Tensor, Tensor]:
        """The candidates of highest proximity.

        Args:
            queries: queries in the Klein model, `poincare.ordering.to_klein(x, c)`, `(batch, dim)`.
            k: how many, a scalar in `[1, n]`.
            exclusion: leaves candidates out; None: all are searched.

        Returns:
            Scores and int32 indices of candidates, both `(batch, k)`, best first; the score of a candidate left out is the lowest
            number of the dtype, or below.
        """
        index = self._read()
        products = tf.matmul(index.rows, queries, transpose_b=True)
        if exclusion is not None:
            products = exclusion(products, index.place)
        if self.n < _MANY:
            values, rows = top_k(proximity(products, index.squared_norms, index.factors), k)
        else:
            values, rows = top_k_by_proximity(products, index.squared_norms, index.factors, k)
        return values, tf.gather(index.order, rows)

    def _read(self) -> ExactIndex:
        # Variables are always read whole, which copies nothing: after a gather from the variable itself TensorFlow would copy it
        # at every reading.
        return ExactIndex(*(tf.convert_to_tensor(part) for part in self))
