"""The laws of gyrovector spaces, for both dtypes, several curvatures, and points up to the limit of the ball."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from ball_cases import LAW, Case, assert_same_numbers, assert_same_points, cases
from hypothesis import given
from hypothesis import strategies as st

from hyperml_tf.geometry import poincare


def norm(v):
    return np.sqrt(np.sum(np.asarray(v, np.longdouble) ** 2, axis=-1))


@LAW
@given(cases())
def test_addition_is_the_textbook_fraction(case: Case) -> None:
    x, y = case.points(), case.points()
    expected = case.add(x, y)
    assert_same_points(case, poincare.mobius_add(x, y, case.c), expected, x, y, where=case.inside(expected))


@LAW
@given(cases())
def test_left_identity_and_inverse(case: Case) -> None:
    x = case.points()
    zero = np.zeros_like(x)
    np.testing.assert_array_equal(poincare.mobius_add(-x, x, case.c), zero)
    assert_same_points(case, poincare.mobius_add(zero, x, case.c), x)
    assert_same_points(case, poincare.mobius_add(x, zero, case.c), x)


@LAW
@given(cases())
def test_left_cancellation(case: Case) -> None:
    x, y = case.points(), case.points()
    total = poincare.mobius_add(x, y, case.c).numpy()
    back = poincare.mobius_add(-x, total, case.c)
    assert_same_points(case, back, y, x, total, where=case.inside(total))


@LAW
@given(cases())
def test_gyrocommutativity(case: Case) -> None:
    x, y = case.points(), case.points()
    left, swapped = (poincare.mobius_add(a, b, case.c).numpy() for a, b in ((x, y), (y, x)))
    right = poincare.gyration(x, y, swapped, case.c)
    where = case.inside(left) & case.inside(swapped)
    assert_same_points(case, left, right, x, y, extra=case.turned(swapped, x, y), where=where)


@LAW
@given(cases())
def test_gyration_is_a_rotation(case: Case) -> None:
    u, v, a, b = case.points(), case.points(), case.vectors(), case.vectors()
    ga, gb = (poincare.gyration(u, v, w, case.c).numpy() for w in (a, b))
    slack = 16.0 * case.digits(u, v)
    size = slack * norm(a) * norm(b)
    assert_same_numbers(np.sum(ga.astype(np.longdouble) * gb, -1), np.sum(a.astype(np.longdouble) * b, -1), size)
    assert_same_numbers(norm(ga), norm(a), slack * norm(a))


@LAW
@given(cases(), st.floats(-8, -1))
def test_gyration_of_close_points_near_the_boundary_is_still_a_rotation(case: Case, closeness: float) -> None:
    # Ungar's closed form divides rounding noise by (1 - c|u|^2)(1 - c|v|^2) here.
    u, a = case.points(), case.vectors()
    v = (-u * (1.0 - 10.0**closeness * case.random.uniform(0, 1, (len(u), 1)))).astype(case.dtype)
    assert_same_numbers(norm(poincare.gyration(u, v, a, case.c)), norm(a), 16.0 * case.digits(u, v) * norm(a))


@pytest.mark.slow
@LAW
@given(cases(reach=0.3))
def test_gyration_equals_its_definition(case: Case) -> None:
    u, v, w = case.points(), case.points(), case.points()
    expected = case.add(-case.add(u, v), case.add(u, case.add(v, w)))
    assert_same_points(case, poincare.gyration(u, v, w, case.c), expected, extra=case.turned(w, u, v))


@LAW
@given(cases(reach=0.2), st.integers(2, 5))
def test_adding_n_times_is_multiplying_by_n(case: Case, n: int) -> None:
    x = case.points()
    total = x
    for _ in range(n - 1):
        total = poincare.mobius_add(x, total, case.c)
    assert_same_points(case, poincare.mobius_scalar_mul(float(n), x, case.c), total, x, factor=16.0 * n)


@LAW
@given(cases(reach=0.3), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_scalar_distributivity_and_associativity(case: Case, r: float, s: float) -> None:
    r, s = float(case.dtype(r)), float(case.dtype(s))
    x = case.points()
    rx, sx = (poincare.mobius_scalar_mul(t, x, case.c).numpy() for t in (r, s))
    # r + s and r * s are rounded to the dtype, which moves the point along its ray as well.
    assert_same_points(
        case, poincare.mobius_add(rx, sx, case.c), poincare.mobius_scalar_mul(r + s, x, case.c), rx, sx, x
    )
    assert_same_points(
        case, poincare.mobius_scalar_mul(r, sx, case.c), poincare.mobius_scalar_mul(r * s, x, case.c), rx, sx, x
    )


@LAW
@given(cases())
def test_scalar_multiplication_scales_the_distance_from_the_origin(case: Case) -> None:
    x = case.points()
    r = case.random.uniform(-1.0, 1.0, len(x)).astype(case.dtype)
    scaled = poincare.mobius_scalar_mul(r, x, case.c)
    zero = np.zeros_like(x)
    assert_same_numbers(
        case.distance(zero, scaled), np.abs(r.astype(np.longdouble)) * case.distance(zero, x), case.tolerance(x, scaled)
    )
    np.testing.assert_array_equal(poincare.mobius_scalar_mul(0.0, x, case.c), zero)
    assert_same_points(case, poincare.mobius_scalar_mul(1.0, x, case.c), x)


@LAW
@given(cases(curvatures=(1e-6, 1e-3, 10.0)))
def test_curvature_is_a_change_of_scale(case: Case) -> None:
    x, y = case.points(), case.points()
    root = np.sqrt(np.longdouble(case.c))
    scaled = [(root * p).astype(case.dtype) for p in (x, y)]
    unit = Case(case.dtype, 1.0, case.dim, case.seed, case.reach)
    allowed = unit.tolerance(*scaled)
    assert_same_numbers(root * poincare.distance(x, y, case.c), poincare.distance(*scaled, 1.0), allowed)
    total = poincare.mobius_add(*scaled, 1.0).numpy()
    rescaled = root * poincare.mobius_add(x, y, case.c).numpy()
    assert_same_points(unit, rescaled, total, *scaled, where=unit.inside(total) & unit.inside(rescaled))


@LAW
@given(cases(reach=0.45))
def test_the_identity_matrix_and_composition(case: Case) -> None:
    x = case.points()
    assert_same_points(case, poincare.mobius_matvec(np.eye(case.dim, dtype=case.dtype), x, case.c), x)
    rotation, _ = np.linalg.qr(case.random.normal(size=(case.dim, case.dim)))
    rotation = rotation.astype(case.dtype)
    half = (case.random.uniform(0, 0.5, (3, case.dim)) / case.dim).astype(case.dtype)
    turned = poincare.mobius_matvec(rotation, x, case.c)
    twice = poincare.mobius_matvec(half, turned, case.c)
    once = poincare.mobius_matvec(half @ rotation, x, case.c)
    assert_same_points(case, twice, once, x, turned, factor=16.0 * case.dim)


@LAW
@given(cases())
def test_a_mean_of_equal_points_is_that_point(case: Case) -> None:
    # Includes the boundary, where 1 - c|mean|^2 in the plain closed form is nothing but rounding.
    x = case.points()
    repeated = np.repeat(x[:, np.newaxis], 3, axis=1)
    assert_same_points(case, poincare.gyromidpoint(repeated, case.c), x)
    weights = np.array([0.0, 2.5, 0.0], case.dtype)
    mixed = np.stack([case.points(), x, case.points()], axis=1)
    assert_same_points(case, poincare.gyromidpoint(mixed, case.c, weights), x, factor=64.0)


@LAW
@given(cases())
def test_a_mean_of_two_points_is_halfway_between(case: Case) -> None:
    x, y = case.points(), case.points()
    middle = poincare.gyromidpoint(np.stack([x, y], axis=1), case.c).numpy()
    half = case.distance(x, y) / 2.0
    allowed = case.tolerance(x, y, middle, factor=64.0)
    assert_same_numbers(case.distance(x, middle), half, allowed)
    assert_same_numbers(case.distance(middle, y), half, allowed)


@LAW
@given(cases(reach=0.3))
def test_a_mean_moves_with_its_points(case: Case) -> None:
    z, x = case.points(), np.stack([case.points() for _ in range(4)], axis=1)
    weights = case.random.uniform(0.1, 1.0, (len(z), 4)).astype(case.dtype)
    moved = poincare.mobius_add(z[:, np.newaxis], x, case.c).numpy()
    expected = poincare.mobius_add(z, poincare.gyromidpoint(x, case.c, weights), case.c)
    through = [z, *(x[:, i] for i in range(4)), *(moved[:, i] for i in range(4))]
    where = case.inside(moved).all(-1) if case.c else None
    assert_same_points(
        case, poincare.gyromidpoint(moved, case.c, weights), expected, *through, factor=64.0, where=where
    )


@pytest.mark.parametrize("c", [0.0, 1.0])
def test_an_empty_set_has_its_mean_at_the_origin(c: float) -> None:
    x = tf.fill([2, 3, 4], 0.1)
    mean = poincare.gyromidpoint(x, c, weights=tf.constant([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(mean, [[0.0] * 4, [0.1] * 4], rtol=1e-6)
