"""Distances: the axioms of a metric, isometries, and the formula of the paper in 60 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import tensorflow as tf
from ball_cases import CURVATURES, LAW, Case, assert_same_numbers, cases
from hypothesis import given
from hypothesis import strategies as st

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare


def paper_distance(x, y, c: float) -> float:
    """2/sqrt(c) artanh(sqrt(c) |(-x) (+)_c y|) in 60 digits."""
    with mpmath.workdps(60):
        x, y = [-mpmath.mpf(float(v)) for v in x], [mpmath.mpf(float(v)) for v in y]
        if c == 0:
            return float(2 * mpmath.sqrt(sum((a + b) ** 2 for a, b in zip(x, y, strict=True))))
        c = mpmath.mpf(c)
        xy, xx, yy = mpmath.fdot(x, y), mpmath.fdot(x, x), mpmath.fdot(y, y)
        below = 1 + 2 * c * xy + c * c * xx * yy
        total = [((1 + 2 * c * xy + c * yy) * a + (1 - c * xx) * b) / below for a, b in zip(x, y, strict=True)]
        return float(2 / mpmath.sqrt(c) * mpmath.atanh(mpmath.sqrt(c) * mpmath.sqrt(mpmath.fdot(total, total))))


@pytest.mark.parametrize("c", CURVATURES)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-6), (np.float64, 3e-15)])
def test_equals_the_formula_of_the_paper(dtype, rtol: float, c: float) -> None:
    case = Case(dtype, c, dim=5, seed=3, reach=0.5)
    x, far = case.points(16), case.points(16)
    close = (x + case.unit * 1e-6 * case.random.normal(size=x.shape)).astype(dtype)
    for y in (far, close):
        expected = [paper_distance(a, b, case.c) for a, b in zip(x, y, strict=True)]
        # In float64 1 - c|x|^2 is rounded in the dtype itself.
        slack = 8.0 * case.eps / np.minimum(case.gap(x), case.gap(y)) if dtype is np.float64 else 0.0
        assert_same_numbers(poincare.distance(x, y, c), expected, (rtol + slack) * np.asarray(expected))
        assert_same_numbers(
            poincare.squared_distance(x, y, c), np.square(expected), 3 * (rtol + slack) * np.square(expected)
        )


@LAW
@given(cases(dtypes=(np.float32,)), st.floats(-7, 0))
def test_float32_keeps_its_digits_at_every_separation_and_radius(case: Case, exponent: float) -> None:
    x = case.points()
    y = poincare.project(x + (10.0**exponent * case.vectors()).astype(case.dtype), case.c).numpy()
    expected = case.distance(x, y)
    assert_same_numbers(poincare.distance(x, y, case.c), expected, 2e-6 * expected)


@LAW
@given(cases(curvatures=(1e-6, 1e-3, 1.0, 10.0)))
def test_no_distance_is_flattened_at_the_boundary(case: Case) -> None:
    x = poincare.project(4.0 * case.vectors(), case.c).numpy()
    d = poincare.distance(x, -x, case.c).numpy()
    # One rounding of a coordinate is 1 % of the gap at the limit.
    assert (d <= 2.01 * case.longest * case.unit).all()
    outermost = poincare.project(1e4 * case.vectors(), case.c)
    np.testing.assert_allclose(poincare.distance0(outermost, case.c), case.longest * case.unit, rtol=5e-3)


@LAW
@given(cases())
def test_axioms(case: Case) -> None:
    x, y, z = case.points(), case.points(), case.points()
    xy, yx, yz, xz = (poincare.distance(a, b, case.c).numpy() for a, b in ((x, y), (y, x), (y, z), (x, z)))
    np.testing.assert_allclose(xy, yx, rtol=4 * case.eps)
    np.testing.assert_array_equal(poincare.distance(x, x, case.c), np.zeros(len(x)))
    assert (xy > 0).all()
    assert (xz <= (xy + yz) * (1 + 8 * case.eps) + case.tolerance(x, y, z)).all()


@LAW
@given(cases())
def test_left_translations_are_isometries(case: Case) -> None:
    z, x, y = case.points(), case.points(), case.points()
    zx, zy = (poincare.mobius_add(z, p, case.c).numpy() for p in (x, y))
    where = case.inside(zx) & case.inside(zy)
    actual, expected = poincare.distance(zx, zy, case.c), poincare.distance(x, y, case.c)
    assert_same_numbers(actual, expected, case.tolerance(z, x, y, zx, zy), where=where)


@LAW
@given(cases())
def test_distance0_is_the_distance_from_the_origin(case: Case) -> None:
    x = case.points()
    np.testing.assert_array_equal(poincare.distance0(x, case.c), poincare.distance(tf.zeros_like(x), x, case.c))
    logarithm = numerics.safe_norm(poincare.logmap0(x, case.c), keepdims=False)
    np.testing.assert_allclose(2.0 * logarithm, poincare.distance0(x, case.c), rtol=16 * case.eps)


@LAW
@given(cases())
def test_pairwise_is_every_pair(case: Case) -> None:
    x, y = case.points(12).reshape(2, 6, -1), case.points(10).reshape(2, 5, -1)
    table = poincare.pairwise_distance(x, y, case.c)
    assert table.shape == (2, 6, 5)
    np.testing.assert_allclose(table[1, 4], poincare.distance(x[1, 4], y[1], case.c), rtol=4 * case.eps)


def test_flat_space_is_exact() -> None:
    case = Case(np.float32, 0.0, dim=7, seed=1, reach=1.0)
    x, y = case.points(), case.points()
    root = tf.sqrt(tf.reduce_sum(tf.square(tf.constant(x) - y), axis=-1))
    np.testing.assert_array_equal(poincare.distance(x, y, 0.0), 2.0 * root)
    np.testing.assert_allclose(poincare.squared_distance(x, y, 0.0), 4.0 * root**2, rtol=4 * case.eps)


def test_ranking_by_the_reduced_score_is_ranking_by_distance() -> None:
    case = Case(np.float64, 1.0, dim=6, seed=5, reach=0.5)
    x, y = case.points(1), case.points(200)
    reduced = np.sum((x - y) ** 2, -1) / (1.0 - np.sum(y * y, -1))
    np.testing.assert_array_equal(np.argsort(reduced), np.argsort(poincare.distance(x, y, 1.0)))
