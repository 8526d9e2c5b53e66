"""Exponential and logarithmic maps, parallel transport, projection, conformal factor."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from ball_cases import LAW, Case, assert_same_numbers, assert_same_points, cases
from hypothesis import given

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare


def norm(v):
    return np.sqrt(np.sum(np.asarray(v, np.longdouble) ** 2, axis=-1))


@LAW
@given(cases())
def test_expmap0_undoes_logmap0(case: Case) -> None:
    y = case.points()
    assert_same_points(case, poincare.expmap0(poincare.logmap0(y, case.c), case.c), y, factor=32.0)


@LAW
@given(cases())
def test_logmap0_undoes_expmap0(case: Case) -> None:
    v = case.vectors()
    y = poincare.expmap0(v, case.c).numpy()
    error = norm(poincare.logmap0(y, case.c).numpy().astype(np.longdouble) - v)
    assert (error <= case.tolerance(y) + 8 * case.eps * norm(v)).all()


@LAW
@given(cases(reach=0.45))
def test_expmap_undoes_logmap(case: Case) -> None:
    x, y = case.points(), case.points()
    v = poincare.logmap(x, y, case.c)
    # A direction that is off by eps ends eps * sinh(d) away.
    spread = case.eps * 16.0 * np.sinh(case.distance(x, y) / case.unit) * case.unit if case.c else 0.0
    error = case.distance(poincare.expmap(x, v, case.c), y)
    assert (error <= case.tolerance(x, y, factor=32.0) + spread).all()


@LAW
@given(cases())
def test_length_of_the_logarithm_is_the_distance(case: Case) -> None:
    x, y = case.points(), case.points()
    length = 2.0 / case.gap(x) * norm(poincare.logmap(x, y, case.c))
    expected = case.distance(x, y)
    slack = 32 * case.digits(x, y)
    assert_same_numbers(length, expected, slack * expected + 1e-30)


@LAW
@given(cases(reach=0.45))
def test_length_of_the_geodesic_is_the_length_of_the_vector(case: Case) -> None:
    x = case.points()
    v = (case.vectors() * case.gap(x)[:, np.newaxis]).astype(case.dtype)
    y = poincare.expmap(x, v, case.c).numpy()
    length = 2.0 / case.gap(x) * norm(v)
    assert_same_numbers(case.distance(x, y), length, case.tolerance(x, y) + 8 * case.eps * length, where=case.inside(y))


@LAW
@given(cases())
def test_maps_at_the_origin_agree(case: Case) -> None:
    y, v = case.points(), case.vectors()
    zero = np.zeros_like(y)
    logarithm = poincare.logmap0(y, case.c).numpy()
    np.testing.assert_allclose(
        poincare.logmap(zero, y, case.c), logarithm, rtol=0, atol=8 * case.eps * np.abs(logarithm).max()
    )
    assert_same_points(case, poincare.expmap(zero, v, case.c), poincare.expmap0(v, case.c))


@LAW
@given(cases())
def test_parallel_transport_is_an_isometry(case: Case) -> None:
    x, y, v, w = case.points(), case.points(), case.vectors(), case.vectors()
    tv, tw = (poincare.parallel_transport(x, y, a, case.c).numpy().astype(np.longdouble) for a in (v, w))
    at_x, at_y = 2.0 / case.gap(x), 2.0 / case.gap(y)
    slack = 64 * case.digits(x, y)
    size = at_x * at_x * norm(v) * norm(w)
    assert_same_numbers(
        at_y * at_y * np.sum(tv * tw, -1), at_x * at_x * np.sum(v.astype(np.longdouble) * w, -1), slack * size
    )
    assert_same_numbers(at_y * norm(tv), at_x * norm(v), slack * at_x * norm(v))


@LAW
@given(cases())
def test_parallel_transport_to_the_same_point_and_back(case: Case) -> None:
    x, v = case.points(), case.vectors()
    np.testing.assert_array_equal(poincare.parallel_transport(x, x, v, case.c), v)
    inner = Case(case.dtype, case.c, case.dim, case.seed, 0.3)
    a, b = inner.points(), inner.points()
    back = poincare.parallel_transport(b, a, poincare.parallel_transport(a, b, v, case.c), case.c)
    slack = 64 * case.eps / np.minimum(inner.gap(a), inner.gap(b))
    assert (norm(back.numpy().astype(np.longdouble) - v) <= slack * norm(v)).all()


@LAW
@given(cases(reach=0.3))
def test_transport_of_the_logarithm_continues_the_geodesic(case: Case) -> None:
    # The velocity of the geodesic from x to y, carried to y, is the opposite of the velocity back.
    x, y = case.points(), case.points()
    carried = poincare.parallel_transport(x, y, poincare.logmap(x, y, case.c), case.c).numpy()
    back = poincare.logmap(y, x, case.c).numpy()
    slack = 64 * case.eps / np.minimum(case.gap(x), case.gap(y))
    assert (norm(carried.astype(np.longdouble) + back) <= slack * norm(back)).all()


@LAW
@given(cases(curvatures=(1e-6, 1e-3, 1.0, 10.0)))
def test_projection(case: Case) -> None:
    limit = numerics.ball_limit(case.dtype) * case.unit
    x = case.points()
    np.testing.assert_array_equal(poincare.project(x, case.c), x)
    outside = 1e4 * case.vectors()
    inside = poincare.project(outside, case.c).numpy()
    np.testing.assert_allclose(norm(inside).astype(float), limit, rtol=8 * case.eps)
    assert (case.gap(inside) > 0).all()
    cosine = np.sum(inside.astype(np.longdouble) * outside, -1) / norm(inside) / norm(outside)
    np.testing.assert_allclose(cosine.astype(float), 1.0, rtol=8 * case.eps)
    np.testing.assert_allclose(poincare.project(inside, case.c), inside, rtol=8 * case.eps)


@LAW
@given(cases())
def test_conformal_factor_and_riemannian_gradient(case: Case) -> None:
    x, g = case.points(), case.vectors()
    exact = 2.0 / case.gap(x)
    slack = 8 * case.digits(x) * np.ones(len(x))
    assert_same_numbers(poincare.conformal_factor(x, case.c), exact, slack * exact)
    assert poincare.conformal_factor(x, case.c, keepdims=True).shape == (len(x), 1)
    expected = g / np.square(exact)[:, np.newaxis]
    assert_same_numbers(poincare.egrad2rgrad(x, g, case.c), expected, 2 * slack[:, np.newaxis] * np.abs(expected))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_flat_space_is_exact(dtype) -> None:
    x, y = tf.random.normal([64, 5], dtype=dtype), tf.random.normal([64, 5], dtype=dtype)
    for actual, expected in (
        (poincare.mobius_add(x, y, 0.0), x + y),
        (poincare.expmap0(x, 0.0), x),
        (poincare.logmap0(x, 0.0), x),
        (poincare.expmap(x, y, 0.0), x + y),
        (poincare.logmap(x, y, 0.0), y - x),
        (poincare.parallel_transport(x, y, x, 0.0), x),
        (poincare.gyration(x, y, x, 0.0), x),
        (poincare.project(1e6 * x, 0.0), 1e6 * x),
        (poincare.mobius_scalar_mul(3.0, x, 0.0), 3.0 * x),
        (poincare.egrad2rgrad(x, y, 0.0), y / 4.0),
    ):
        assert actual.dtype == dtype
        np.testing.assert_array_equal(actual, expected)
