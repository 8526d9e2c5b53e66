"""Ranking by one inner product per pair is ranking by distance, in all layouts of the arguments."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from ball_cases import LAW, Case, assert_same_numbers, cases
from hypothesis import given

from hyperml_tf import numerics
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.geometry.poincare import ordering


def scores_of(x: tf.Tensor, y: tf.Tensor, c: float) -> np.ndarray:
    """Proximities with the candidates first, `(n, batch)`."""
    products = tf.matmul(y, ordering.to_klein(x, c), transpose_b=True)
    factor = poincare.conformal_factor(y, c, keepdims=True)
    return ordering.proximity(products, numerics.squared_norm(tf.constant(y)), factor).numpy()


@LAW
@given(cases(dtypes=(np.float64,), reach=0.3))
def test_the_nearest_candidate_scores_highest(case: Case) -> None:
    x, y = case.points(4), case.points(200)
    scores = scores_of(x, y, case.c)
    distances = case.distance(x[:, np.newaxis], y)
    # Rounding may swap candidates whose distances agree to half of the digits.
    for row in range(4):
        found = distances[row][np.argsort(-scores[:, row])]
        assert (np.diff(found) >= -1e-6 * case.unit).all()


@LAW
@given(cases(dtypes=(np.float64,), reach=0.2))
def test_it_is_the_lorentz_inner_product_shifted_and_scaled_per_query(case: Case) -> None:
    x, y = case.points(3), case.points(50)
    inner = lorentz.lorentz_inner(*(lorentz.lift(p, case.c) for p in (x[np.newaxis], y[:, np.newaxis])), case.c)
    height = lorentz.lift(x, case.c)[:, 0]
    # (1 + c|x|^2) / (1 - c|x|^2), the time coordinate times sqrt(c).
    scale = (1.0 + case.c * height).numpy()
    scores = scores_of(x, y, case.c)
    expected = (inner + height) / scale
    assert_same_numbers(scores, expected, 1e-9 * (np.abs(scores) + np.max(height) + case.unit**2))


def test_the_klein_model_of_a_point() -> None:
    x = tf.constant([[0.0, 0.0], [0.3, -0.4], [0.6, 0.8]])
    np.testing.assert_array_equal(ordering.to_klein(x, 0.0), 2.0 * x)
    np.testing.assert_allclose(ordering.to_klein(x, 1.0), [[0.0, 0.0], [0.48, -0.64], [0.6, 0.8]], rtol=1e-6)
    per_point = ordering.to_klein(x, tf.constant([0.0, 1.0, 0.5]))
    for row, c in enumerate((0.0, 1.0, 0.5)):
        np.testing.assert_array_equal(per_point[row], ordering.to_klein(x[row], c))


@pytest.mark.parametrize("c", [0.0, 1.0])
def test_groups_that_share_their_candidates(c: float) -> None:
    case = Case(np.float32, c, dim=5, seed=1, reach=0.3)
    x, y = case.points(6), case.points(8)
    products = tf.matmul(
        tf.reshape(ordering.to_klein(x, c), [2, 3, 5]), tf.reshape(tf.constant(y), [2, 4, 5]), transpose_b=True
    )
    per_group = (
        tf.reshape(n, [2, 1, 4]) for n in (numerics.squared_norm(tf.constant(y)), poincare.conformal_factor(y, c))
    )
    together = ordering.proximity(products, *per_group)
    assert together.shape == (2, 3, 4)
    whole = scores_of(x, y, c).T
    np.testing.assert_allclose(together[0], whole[:3, :4], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(together[1], whole[3:, 4:], rtol=1e-5, atol=1e-5)


@LAW
@given(cases())
def test_no_score_of_a_block_is_above_its_bound(case: Case) -> None:
    x, y = case.points(4), case.points(32)
    products = tf.matmul(y, ordering.to_klein(x, case.c), transpose_b=True)
    norms = numerics.squared_norm(tf.constant(y))
    factors = poincare.conformal_factor(y, case.c, keepdims=True)
    bound = ordering.proximity_bound(
        tf.reduce_max(products, axis=0), tf.reduce_min(norms), tf.reduce_min(factors), tf.reduce_max(factors)
    )
    assert (ordering.proximity(products, norms, factors) <= bound).numpy().all()
    alone = ordering.proximity_bound(products, norms, factors, factors)
    np.testing.assert_array_equal(alone, ordering.proximity(products, norms, factors))
