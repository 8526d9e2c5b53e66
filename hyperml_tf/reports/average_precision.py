"""How well the neighbours of a graph are the nearest points of an embedding."""

from __future__ import annotations

import numpy as np

from hyperml_tf._argument_types import Numbers, names_arguments
from hyperml_tf.reports.checks import rows_of_distances


@names_arguments
def mean_average_precision(distances: Numbers, neighbours: Numbers) -> float:
    """Computes the mean average precision with which distances give the neighbours of a graph.

    For a point u and a neighbour v, the precision is the share of neighbours of u among all points at most as far from u as v.
    It is averaged over the neighbours of a point, and then over the points that have any. Points at equal distances are taken
    together, so that their order does not count.

    Args:
        distances: Distances from some points to all points, `(rows, n)`. Infinity leaves a pair out, such as a point and itself.
        neighbours: Booleans, `(rows, n)`, whether two points are neighbours in the graph.

    Returns:
        A float in `[0, 1]`; 1 if the neighbours of every point are nearer to it than all others.

    Raises:
        ValueError: If the two are not matrices of one shape, a distance is negative or not a number, or no point has a neighbour.

    Reference:
        - [Nickel, Kiela, Poincaré embeddings for learning hierarchical representations, 2017](https://arxiv.org/abs/1705.08039)

    Example:

    The neighbour is nearest for the first point, and second for the other.

    >>> mean_average_precision([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [[True, False, False], [False, True, False]])
    0.75
    """
    found, links = rows_of_distances(distances=distances, neighbours=neighbours)
    precisions = []
    for row, linked in zip(found, links > 0, strict=True):
        near = np.sort(row[linked])
        if len(near):
            precisions.append(
                np.mean(np.searchsorted(near, near, "right") / np.searchsorted(np.sort(row), near, "right"))
            )
    if not precisions:
        raise ValueError("`neighbours` must have a pair of neighbours. Received: none")
    return float(np.mean(precisions))
