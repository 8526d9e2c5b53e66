"""The hardest negatives of several candidates: the nearest ones that the user has not interacted with."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.geometry.poincare.measured import measure
from hyperml_tf.sampling import Draw, draw, hardest
from hyperml_tf.tables import SeenItems

# Item i is at radius i / 10, and the user further out: the larger the code, the nearer.
CODES = [2, 4, 1, 6, 3, 5]
CURVATURE = tf.constant(1.0)


def found(own: list[int], count: int, shallow: int | None = None) -> tuple[list[int], list[bool]]:
    """The codes of the hardest negatives of one user, and whether they are negatives."""
    seen = SeenItems(n_users=1, n_items=7)
    seen.set([0] * len(own), own)
    points = tf.constant([[code / 10, 0.0] for code in CODES])
    user = measure(tf.constant([[0.9, 0.0]]), CURVATURE)
    drawn = Draw(tf.constant([CODES]), group_size=1)
    positions, valid = hardest(
        drawn, user, tf.constant([0]), measure(points, CURVATURE), CURVATURE, seen, count, shallow
    )
    return np.array(CODES)[positions.numpy()[0]].tolist(), valid.numpy()[0].tolist()


@pytest.mark.parametrize(
    ("own", "count", "expected"),
    [([], 1, [6]), ([], 3, [6, 5, 4]), ([6], 1, [5]), ([6, 4], 2, [5, 3]), ([6, 5, 4], 1, [3])],
)
def test_the_nearest_that_are_not_in_the_history_come_first(own: list[int], count: int, expected: list[int]) -> None:
    assert found(own, count) == (expected, [True] * count)


def test_four_near_items_of_the_history_leave_no_negative() -> None:
    assert found([6, 5, 4, 3], 1)[1] == [False]


@pytest.mark.parametrize(
    ("shallow", "expected"), [(2, [6, 4]), (3, [6, 4]), (5, [6, 6]), (6, [6]), (7, [6]), (None, [6])]
)
def test_a_second_negative_comes_from_the_first_candidates_only(shallow: int | None, expected: list[int]) -> None:
    """There is none if these are all candidates."""
    assert found([], 1, shallow) == (expected, [True] * len(expected))


def test_fewer_candidates_than_negatives_are_all_taken() -> None:
    codes, valid = found([4], len(CODES))
    assert codes == CODES
    assert valid == [True, False, True, True, True, True]


@pytest.mark.parametrize(("batch", "groups"), [(1, 1), (4, 1), (5, 2), (8, 2)])
def test_each_group_of_positives_has_its_candidates(batch: int, groups: int) -> None:
    drawn = draw(batch, n_candidates=50, negatives=7, group_size=4, seed=[1, 2])
    assert drawn.codes.shape == (groups, 7)
    assert drawn.codes.dtype == tf.int32
    assert drawn.codes.numpy().min() >= 0
    assert drawn.codes.numpy().max() < 50
