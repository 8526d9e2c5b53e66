"""The functions of `hyperml_tf.geometry` by the formulas of the literature, in many digits, for comparison.

Points are lists of mpmath numbers, and results are lists of numbers. The formulas cancel, divide by norms and by the curvature,
and saturate: in enough digits that does not matter. Nothing of the package is used. Results are projected where those of the
package are, to `sqrt(c)|x| <= limit`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mpmath import mp

Point = list[Any]


def dot(x: Point, y: Point) -> Any:
    return sum((a * b for a, b in zip(x, y, strict=True)), mp.zero)


def norm(x: Point) -> Any:
    return mp.sqrt(dot(x, x))


def scaled(a: Any, x: Point) -> Point:
    return [a * v for v in x]


def plus(x: Point, y: Point) -> Point:
    return [a + b for a, b in zip(x, y, strict=True)]


def conformal_factor(x: Point, c: Any) -> Any:
    return 2 / (1 - c * dot(x, x))


def project(x: Point, c: Any, limit: Any) -> Point:
    reach = mp.sqrt(c) * norm(x)
    return scaled(limit / reach, x) if reach > limit else list(x)


def add(x: Point, y: Point, c: Any) -> Point:
    xy, xx, yy = dot(x, y), dot(x, x), dot(y, y)
    below = 1 + 2 * c * xy + c * c * xx * yy
    return [((1 + 2 * c * xy + c * yy) * a + (1 - c * xx) * b) / below for a, b in zip(x, y, strict=True)]


def gyration(u: Point, v: Point, w: Point, c: Any) -> Point:
    # It is linear in w, which the definition needs inside of the ball.
    shrink = 1 / (1 + 2 * mp.sqrt(c) * norm(w))
    turned = add(scaled(-1, add(u, v, c)), add(u, add(v, scaled(shrink, w), c), c), c)
    return scaled(1 / shrink, turned)


def distance(x: Point, y: Point, c: Any) -> Any:
    return 2 / mp.sqrt(c) * mp.atanh(mp.sqrt(c) * norm(add(scaled(-1, x), y, c)))


def expmap0(v: Point, c: Any) -> Point:
    length = mp.sqrt(c) * norm(v)
    return scaled(mp.tanh(length) / length, v)


def logmap0(y: Point, c: Any) -> Point:
    length = mp.sqrt(c) * norm(y)
    return scaled(mp.atanh(length) / length, y)


def expmap(x: Point, v: Point, c: Any, limit: Any) -> Point:
    length = mp.sqrt(c) * norm(v)
    step = scaled(mp.tanh(conformal_factor(x, c) * length / 2) / length, v)
    return add(x, project(step, c, limit), c)


def logmap(x: Point, y: Point, c: Any) -> Point:
    return scaled(2 / conformal_factor(x, c), logmap0(add(scaled(-1, x), y, c), c))


def parallel_transport(x: Point, y: Point, v: Point, c: Any) -> Point:
    return scaled(conformal_factor(x, c) / conformal_factor(y, c), gyration(y, scaled(-1, x), v, c))


def gyromidpoint(x: Sequence[Point], weights: Sequence[Any], c: Any) -> Point:
    """The centroid on the hyperboloid, mapped back to the ball."""
    factors = [conformal_factor(point, c) for point in x]
    time = sum((w * (f - 1) for w, f in zip(weights, factors, strict=True)), mp.zero)
    space = [mp.zero] * len(x[0])
    for point, w, f in zip(x, weights, factors, strict=True):
        space = plus(space, scaled(w * f, point))
    return scaled(1 / (time + mp.sqrt(time**2 - c * dot(space, space))), space)


def lift(x: Point, c: Any) -> Point:
    time = (1 + c * dot(x, x)) / (1 - c * dot(x, x))
    return [(time - 1) / c, *scaled(conformal_factor(x, c), x)]


def lorentz_inner(p: Point, q: Point, c: Any) -> Any:
    return 1 / c - time(p, c) * time(q, c) + dot(p[1:], q[1:])


def time(p: Point, c: Any) -> Any:
    return (1 + c * p[0]) / mp.sqrt(c)


def lorentz_distance(p: Point, q: Point, c: Any) -> Any:
    return mp.acosh(1 - c * lorentz_inner(p, q, c)) / mp.sqrt(c)


def jacobian(function: Callable[..., Point], arguments: Sequence[Point], steps: Sequence[Any]) -> list[list[Point]]:
    """The derivatives of all results in all numbers of all arguments, by central differences.

    Args:
        function: A function of points that returns a list of numbers.
        arguments: Lists of numbers.
        steps: The size of a step for each argument.

    Returns:
        For each argument and each of its numbers, the derivatives of the results.
    """
    derivatives = []
    for place, (argument, step) in enumerate(zip(arguments, steps, strict=True)):
        of_argument = []
        for number in range(len(argument)):
            sides = []
            for sign in (1, -1):
                moved = [list(values) for values in arguments]
                moved[place][number] += sign * step
                sides.append(function(*moved))
            of_argument.append([(a - b) / (2 * step) for a, b in zip(*sides, strict=True)])
        derivatives.append(of_argument)
    return derivatives
