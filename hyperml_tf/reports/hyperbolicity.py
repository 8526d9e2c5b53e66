"""How much a finite metric space is like a tree: Gromov's four-point condition."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyperml_tf._argument_types import Numbers, names_arguments
from hyperml_tf.reports.checks import distance_matrix

_UNIT_BALL = 0.144
DIAMETER = 12.2
"""The diameter at which a ball of curvature 1 has the relative delta .144, by which `curvature` is scaled."""


class Hyperbolicity(NamedTuple):
    """The delta of samples of a metric space, see `sampled_delta`.

    Args:
        delta: Float, mean of Gromov's delta over the samples, in the units of the distances.
        diameter: Float, mean of the largest distance in a sample.
        relative: Float, mean of `2 delta / diameter`: 0 for a tree, at most 1.
        low: Float, lower end of the interval of `relative`: its 2.5% quantile over the samples.
        high: Float, upper end of the interval: the 97.5% quantile.
        samples: Integer, number of samples.
        size: Integer, number of points in each.

    Example:

    >>> found = sampled_delta(1.0 - np.eye(5))  # the ends of a star
    >>> found.relative, found.diameter, found.size
    (0.0, 1.0, 5)
    """

    delta: float
    diameter: float
    relative: float
    low: float
    high: float
    samples: int
    size: int


@names_arguments
def gromov_delta(distances: Numbers) -> float:
    """Computes Gromov's delta of a finite metric space, over all quadruples of its points.

    Of the three sums of opposite distances of four points, `d(x, y) + d(z, w)`, `d(x, z) + d(y, w)` and `d(x, w) + d(y, z)`,
    the two largest differ by at most `2 delta`. It is 0 if and only if the distances are those of points of a tree. For a base
    point `w` and the Gromov products `(x|y) = (d(x, w) + d(y, w) - d(x, y)) / 2` the condition is
    `(x|y) >= min((x|z), (z|y)) - delta`, which is a product of matrices with `max` and `min` instead of sum and product. It is
    evaluated for every base point, so the result is exact; time grows with the fourth power of the number of points.

    Args:
        distances: Symmetric matrix of distances, `(n, n)`.

    Returns:
        Delta, in the units of the distances; 0 for fewer than four points.

    Raises:
        ValueError: If `distances` is not a symmetric matrix of finite numbers >= 0 with zeros on its diagonal.

    Reference:
        - [Gromov, Hyperbolic groups, 1987](https://doi.org/10.1007/978-1-4613-9586-7_3)
        - [Fournier, Ismail, Vigneron, Computing the Gromov hyperbolicity of a discrete metric space, 2015](
          https://arxiv.org/abs/1210.3323)

    Example:

    The corners of a square, in steps along its sides, and the ends of a star.

    >>> gromov_delta([[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]])
    1.0
    >>> gromov_delta([[0, 2, 2, 2], [2, 0, 2, 2], [2, 2, 0, 2], [2, 2, 2, 0]])
    0.0
    """
    matrix = distance_matrix(distances)
    worst = 0.0
    for base in matrix:
        products = (base[:, None] + base - matrix) / 2
        bound = np.full_like(products, -np.inf)
        for column in products.T:
            np.maximum(bound, np.minimum(column[:, None], column), out=bound)
        worst = max(worst, float((bound - products).max(initial=0.0)))
    return worst


@names_arguments
def sampled_delta(distances: Numbers, size: int = 64, samples: int = 20, seed: int = 0) -> Hyperbolicity:
    """Computes Gromov's delta, relative to the diameter, of random samples of the points of a metric space.

    The relative delta does not depend on the unit of the distances. Delta is a maximum over quadruples, and so grows with the
    size of the samples: compare values of samples of the same size only.

    Args:
        distances: Symmetric matrix of distances, `(n, n)`.
        size: Integer >= 4, number of points in a sample; all of them if there are fewer. Defaults to `64`.
        samples: Integer >= 1, number of samples. Defaults to `20`.
        seed: Integer, random seed of the samples. Defaults to `0`.

    Returns:
        A `Hyperbolicity`. Its interval says how much samples differ.

    Raises:
        ValueError: As `gromov_delta`, or if there are fewer than four points, or all are at one place.

    Reference:
        - [Khrulkov et al., Hyperbolic image embeddings, 2020](https://arxiv.org/abs/1904.02239), for the relative delta

    Example:

    >>> steps = np.abs(np.subtract.outer(np.arange(30.0), np.arange(30.0)))  # points of a line
    >>> found = sampled_delta(steps, size=10)
    >>> found.relative, found.size
    (0.0, 10)
    """
    matrix = distance_matrix(distances)
    if size < 4 or samples < 1:
        raise ValueError(
            f"`size` must be at least 4 and `samples` at least 1. Received: size={size}, samples={samples}"
        )
    if len(matrix) < 4 or not matrix.max() > 0:
        raise ValueError(
            f"`distances` must be those of at least four points, not all at one place. Received: {len(matrix)} points"
        )
    rng = np.random.default_rng(seed)
    size = min(size, len(matrix))
    chosen = [rng.permutation(len(matrix))[:size] for _ in range(samples)]
    parts = [matrix[np.ix_(points, points)] for points in chosen]
    parts = [part for part in parts if part.max() > 0] or [matrix]
    deltas, diameters = np.array([gromov_delta(part) for part in parts]), np.array([part.max() for part in parts])
    relative = 2 * deltas / diameters
    low, high = np.quantile(relative, (0.025, 0.975))
    return Hyperbolicity(
        delta=float(deltas.mean()),
        diameter=float(diameters.mean()),
        relative=float(relative.mean()),
        low=float(low),
        high=float(high),
        samples=len(parts),
        size=len(parts[0]),
    )


@names_arguments
def suggested_curvature(relative: float, diameter: float = DIAMETER) -> float:
    """Returns the curvature of the ball that has a relative delta, `(0.144 / relative)^2` at a diameter of 12.2.

    In a ball of curvature c, delta is proportional to `1 / sqrt(c)`. How large it is relative to a diameter therefore says how
    large `c * diameter^2` is, and a curvature only once the diameter is given. The constant .144 is the relative delta of the
    ball of curvature 1 that ends at the norm `1 - 1e-5`, at a distance of 12.2 from the origin, which the reference takes for
    the diameter. It has the delta of triangles, `log(1 + sqrt(2))`; that of quadruples is `log(2)`, so quadruples of a plane of
    curvature 1 and this diameter suggest 1.6. Take it as a rough guide.

    Args:
        relative: Float >= 0, the relative delta, see `sampled_delta`.
        diameter: Float > 0, the largest distance that the ball is to have. Defaults to `12.2`, as in the reference.

    Returns:
        The curvature c >= 0; infinity for a tree, whose delta is 0.

    Raises:
        ValueError: If `relative` is negative or `diameter` is not positive.

    Reference:
        - [Khrulkov et al., Hyperbolic image embeddings, 2020](https://arxiv.org/abs/1904.02239), section 3

    Example:

    >>> suggested_curvature(0.144), suggested_curvature(0.288)
    (1.0, 0.25)
    >>> suggested_curvature(0.144, diameter=6.1)
    4.0
    """
    if not relative >= 0 or not diameter > 0:
        raise ValueError(
            f"`relative` must be >= 0 and `diameter` > 0. Received: relative={relative}, diameter={diameter}"
        )
    return float("inf") if relative == 0 else (_UNIT_BALL / relative * DIAMETER / diameter) ** 2
