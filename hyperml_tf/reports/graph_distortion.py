"""How well distances in a space agree with those in a graph, up to the unit of length."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyperml_tf._argument_types import Numbers, names_arguments
from hyperml_tf.reports.checks import rows_of_distances


class Distortion(NamedTuple):
    """The distortion of an embedding, see `distortion`.

    Args:
        mean: Float, mean of `|a d - g| / g` over the pairs.
        scale: Float, the factor `a` with the smallest mean.
        pairs: Integer, number of pairs.

    Example:

    >>> distortion([[1.0, 1.0]], [[2.0, 4.0]]).mean
    0.25
    """

    mean: float
    scale: float
    pairs: int


@names_arguments
def distortion(distances: Numbers, graph: Numbers) -> Distortion:
    """Computes the mean relative error of distances against those in a graph, in the unit of length that suits best.

    The mean of `|a d - g| / g = (d / g) |a - g / d|` is smallest where `a` is the median of `g / d` with the weights `d / g`,
    so the best factor is exact.

    Args:
        distances: Distances d in the space, `(rows, n)`.
        graph: Distances g in the graph of the same pairs, `(rows, n)`. Pairs at distance 0, a point and itself, and at infinity,
            without a path, are left out.

    Returns:
        A `Distortion`. A mean of 0 is perfect; 1 is as bad as if all points were at one place.

    Raises:
        ValueError: If the two are not matrices of one shape with numbers >= 0, or if no pair is left.

    Reference:
        - [Sala et al., Representation tradeoffs for hyperbolic embeddings, 2018](https://arxiv.org/abs/1804.03329)

    Example:

    >>> distortion([[0.0, 1.0, 2.0]], [[0.0, 3.0, 6.0]])
    Distortion(mean=0.0, scale=3.0, pairs=2)
    """
    found, reference = rows_of_distances(distances=distances, graph=graph)
    apart = (reference > 0) & np.isfinite(reference)
    if not apart.any():
        raise ValueError("`graph` must have a pair of two points. Received: no distance between 0 and infinity")
    d, g = found[apart], reference[apart]
    scale = _weighted_median(g[d > 0] / d[d > 0], (d / g)[d > 0]) if (d > 0).any() else 1.0
    return Distortion(float(np.mean(np.abs(scale * d - g) / g)), scale, len(d))


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
