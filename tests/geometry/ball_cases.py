"""Common code of the geometry tests: batches of points, an independent reference in extended precision, and tolerances.

The reference takes the same rounded inputs as the code under test. Distances are in NumPy's `longdouble` (64 significant bits),
and Möbius addition is the usual formula in 60 digits, because that formula cancels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import mpmath
import numpy as np
from hypothesis import settings
from quick import examples

from hyperml_tf import numerics

LAW = settings(max_examples=examples(25), derandomize=True, database=None)
CURVATURES = (0.0, 1e-6, 1e-3, 1.0, 10.0)
ROWS = 64


@dataclass
class Case:
    """A dtype, a curvature, a dimension, and random batches of points."""

    dtype: Any
    c: float
    dim: int
    seed: int
    reach: float
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.c = float(self.dtype(self.c))

    @property
    def eps(self) -> float:
        return numerics.eps(self.dtype)

    @property
    def unit(self) -> float:
        """The unit of distances: the radius of the ball, or 1 at `c = 0`."""
        return float(1.0 / np.sqrt(self.c)) if self.c else 1.0

    @property
    def longest(self) -> float:
        """Largest distance of a projected point from the origin, in `unit`s."""
        return float(2.0 * np.arctanh(np.longdouble(numerics.ball_limit(self.dtype))))

    def vectors(self, rows: int = ROWS) -> Any:
        """Tangent vectors at the origin, whose norms are log-uniform from 1e-3 to 3 `unit`s."""
        v = self.random.normal(size=(rows, self.dim))
        v /= np.linalg.norm(v, axis=-1, keepdims=True)
        return (v * np.exp(self.random.uniform(np.log(1e-3), np.log(3.0), (rows, 1))) * self.unit).astype(self.dtype)

    def points(self, rows: int = ROWS, reach: float | None = None) -> Any:
        """Points whose distances from the origin are uniform up to a share `reach` of `longest`."""
        direction = self.random.normal(size=(rows, self.dim))
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        distance = self.random.uniform(0.0, 1.0, (rows, 1)) * self.longest * (self.reach if reach is None else reach)
        radius = distance
        if self.c:
            radius = np.minimum(np.tanh(distance / 2.0), 1.0 - 2.0 * self.eps**0.75)
        return (direction * radius * self.unit).astype(self.dtype)

    def gap(self, x: Any) -> Any:
        x = np.asarray(x, np.longdouble)
        return 1.0 - np.longdouble(self.c) * np.sum(x * x, axis=-1)

    def inside(self, x: Any) -> Any:
        """Whether points are so far from the limit of the ball that projection did not move them."""
        return (self.gap(x) > 4.0 * self.eps**0.75) | (self.c == 0.0)

    def distance(self, x: Any, y: Any) -> Any:
        """Reference distance."""
        x, y, c = np.asarray(x, np.longdouble), np.asarray(y, np.longdouble), np.longdouble(self.c)
        gaps = np.maximum(self.gap(x) * self.gap(y), 1e-40)  # a rounded result may lie on the boundary itself
        r = np.sqrt(np.sum((x - y) ** 2, axis=-1) / gaps)
        return 2.0 * np.arcsinh(np.sqrt(c) * r) / np.sqrt(c) if self.c else 2.0 * r

    def add(self, x: Any, y: Any) -> Any:
        """Reference Möbius addition, by the usual formula."""
        return np.array([_textbook_sum(a, b, self.c) for a, b in zip(x, y, strict=True)], np.longdouble)

    def digits(self, *points: Any) -> Any:
        """Relative error of `1 - c|x|^2`: one rounding for float32, where it is computed in float64, but more for float64, where
        the difference cancels."""
        if self.dtype is np.float32:
            return self.eps
        return self.eps / np.min([self.gap(x) for x in points], axis=0)

    def turned(self, w: Any, u: Any, v: Any) -> Any:
        """Additional tolerance for the point `gyr[u, v] w`, because the rotation has a relative error of `digits(u, v)`."""
        return 32.0 * self.digits(u, v) * np.sqrt(np.sum(np.square(w, dtype=np.longdouble), axis=-1)) / self.gap(w)

    def tolerance(self, *points: Any, factor: float = 16.0) -> Any:
        """Tolerance, as a distance, for a result that was computed from `points`.

        A rounding error `eps |x|` at `x` has the length `lambda_x eps |x|`. Translations are isometries, so that the lengths add
        up.
        """
        total: Any = 0.0
        for x in points:
            x = np.asarray(x, np.longdouble)
            total = total + 2.0 * np.sqrt(np.sum(x * x, axis=-1)) / np.maximum(self.gap(x), self.eps)
        return factor * self.eps * total + 1e-30


def _textbook_sum(x: Any, y: Any, c: float) -> list:
    with mpmath.workdps(60):
        x, y = ([_exact(v) for v in p] for p in (x, y))
        xy, xx, yy, c = mpmath.fdot(x, y), mpmath.fdot(x, x), mpmath.fdot(y, y), mpmath.mpf(c)
        below = 1 + 2 * c * xy + c * c * xx * yy
        above = (((1 + 2 * c * xy + c * yy) * a + (1 - c * xx) * b) / below for a, b in zip(x, y, strict=True))
        return [_rounded(v) for v in above]


def _exact(value: Any) -> Any:
    """A NumPy float of any width as an mpmath number, without rounding."""
    high = float(value)
    return mpmath.mpf(high) + mpmath.mpf(float(value - np.longdouble(high)))


def _rounded(value: Any) -> Any:
    high = float(value)
    return np.longdouble(high) + np.longdouble(float(value - high))


def cases(dtypes: tuple = (np.float32, np.float64), curvatures: tuple = CURVATURES, reach: float = 1.0) -> Any:
    """Strategy for cases: dtype, curvature, dimension, seed, and the part of the ball that is covered."""
    return st.builds(
        Case,
        dtype=st.sampled_from(dtypes),
        c=st.sampled_from(curvatures),
        dim=st.integers(1, 9),
        seed=st.integers(0, 2**32 - 1),
        reach=st.sampled_from((0.1 * reach, 0.5 * reach, reach)),
    )


def assert_same_points(
    case: Case, actual: Any, expected: Any, *through: Any, factor: float = 16.0, extra: Any = 0.0, where: Any = None
) -> None:
    """Compares points by their distance, with the tolerance of a computation from the points `through`."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert np.isfinite(actual).all()
    error = case.distance(actual, expected)
    allowed = case.tolerance(expected, actual, *through, factor=factor) + extra
    keep = np.ones(error.shape, bool) if where is None else np.broadcast_to(where, error.shape)
    worst = np.max((error / allowed)[keep], initial=0.0)
    assert worst <= 1.0, f"{case}: {float(worst):.3g} times the tolerance"


def assert_same_numbers(actual: Any, expected: Any, allowed: Any, where: Any = None) -> None:
    """Compares numbers, with an absolute tolerance for each."""
    error = np.abs(np.asarray(actual, np.longdouble) - np.asarray(expected, np.longdouble))
    assert np.isfinite(error).all()
    keep = np.ones(error.shape, bool) if where is None else np.broadcast_to(where, error.shape)
    worst = np.max((error / (np.asarray(allowed) + 1e-30))[keep], initial=0.0)
    assert worst <= 1.0, f"{float(worst):.3g} times the tolerance"
