"""The hyperboloid: its equation, the lift and its inverse, and ranking by inner products."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from ball_cases import LAW, Case, assert_same_numbers, assert_same_points, cases
from hypothesis import given

from hyperml_tf.geometry import lorentz, poincare


@LAW
@given(cases())
def test_drop_undoes_lift(case: Case) -> None:
    x = case.points()
    assert_same_points(case, lorentz.drop(lorentz.lift(x, case.c), case.c), x)


@LAW
@given(cases())
def test_lifted_points_are_on_the_hyperboloid(case: Case) -> None:
    p = lorentz.lift(case.points(), case.c).numpy().astype(np.longdouble)
    h, s2 = p[:, 0], np.sum(p[:, 1:] ** 2, axis=-1)
    slack = 16 * case.digits(lorentz.drop(p.astype(case.dtype), case.c))
    np.testing.assert_array_less(np.abs(case.c * h * h + 2 * h - s2), slack * s2 + 1e-30)


@LAW
@given(cases(curvatures=(1e-3, 1.0, 10.0), reach=0.3))
def test_time_and_space_satisfy_the_usual_equation(case: Case) -> None:
    p = lorentz.lift(case.points(), case.c)
    t = lorentz.time_coordinate(p, case.c).numpy().astype(np.longdouble)
    s2 = np.sum(p[:, 1:].numpy().astype(np.longdouble) ** 2, axis=-1)
    slack = 32 * case.digits(lorentz.drop(p, case.c)) * t * t
    assert_same_numbers(-t * t + s2, np.full(len(t), -1.0 / case.c), slack)


@LAW
@given(cases(reach=0.3))
def test_distance_of_lifted_points_is_their_distance_on_the_ball(case: Case) -> None:
    x, y = case.points(), case.points()
    p, q = lorentz.lift(x, case.c), lorentz.lift(y, case.c)
    scale = case.unit * 2.0 / np.minimum(case.gap(x), case.gap(y))
    expected = case.distance(x, y)
    # The inner product cancels: what is lost is the square of what is stated.
    lost = 64 * case.eps * scale * scale / np.maximum(expected, np.sqrt(case.eps) * scale)
    assert_same_numbers(lorentz.distance(p, q, case.c), expected, lost)
    assert_same_numbers(lorentz.distance(p, p, case.c), np.zeros(len(x)), 16 * np.sqrt(case.eps) * scale)


@LAW
@given(cases(reach=0.3))
def test_the_dot_product_with_a_query_is_a_decreasing_function_of_the_distance(case: Case) -> None:
    x, y = case.points(4), case.points(200)
    p, q = lorentz.lift(x, case.c), lorentz.lift(y, case.c)
    scores = tf.matmul(lorentz.query(p, case.c), q, transpose_b=True).numpy().astype(np.longdouble)
    inner = lorentz.lorentz_inner(p[:, np.newaxis], q, case.c)
    size = np.asarray(p[:, :1]) + np.asarray(q[:, 0]) + 1.0
    size = size + case.c * np.asarray(p[:, :1]) * np.asarray(q[:, 0]) + np.abs(np.asarray(inner))
    rounding = 32 * case.eps * size * max(case.unit, 1.0)
    assert_same_numbers(scores - np.asarray(p[:, :1]), inner, rounding)
    distances = case.distance(x[:, np.newaxis], y)
    for row in range(4):
        order = np.argsort(distances[row])
        rise = np.diff(scores[row][order])
        assert (rise <= rounding[row][order][1:] + rounding[row][order][:-1]).all()


def test_the_order_is_exact_for_points_that_are_not_tied() -> None:
    case = Case(np.float32, 1.0, dim=8, seed=11, reach=0.3)
    x, y = case.points(1), case.points(300)
    scores = tf.matmul(lorentz.query(lorentz.lift(x, 1.0), 1.0), lorentz.lift(y, 1.0), transpose_b=True)[0]
    np.testing.assert_array_equal(np.argsort(-scores.numpy())[:20], np.argsort(poincare.distance(x, y, 1.0))[:20])


def test_flat_space_is_a_paraboloid() -> None:
    x = tf.random.normal([32, 3])
    p = lorentz.lift(x, 0.0)
    np.testing.assert_array_equal(p[:, 1:], 2.0 * x)
    np.testing.assert_array_equal(lorentz.drop(p, 0.0), x)
    np.testing.assert_allclose(p[:, 0], 2.0 * tf.reduce_sum(x * x, -1), rtol=1e-6)
    np.testing.assert_allclose(lorentz.distance(p[:16], p[16:], 0.0), poincare.distance(x[:16], x[16:], 0.0), rtol=1e-4)
