"""What recommended lists are like: -1 is no item, and counts nowhere."""

from __future__ import annotations

import numpy as np
import pytest

from hyperml_tf.metrics import lists as measures

LISTS = np.array([[0, 1, -1], [1, 2, 0], [3, -1, -1], [-1, -1, -1]])


def apart(lists: np.ndarray) -> np.ndarray:
    """Distances that no mean forgives for an entry that is no item."""
    there = np.where(lists < 0, 1000, lists)
    return np.abs(there[:, :, None] - there[:, None, :]).astype(float)


def test_coverage_and_gini() -> None:
    assert measures.coverage(LISTS, n_items=8) == 4 / 8
    counts = np.sort([2, 2, 1, 1])
    ranks = np.arange(1, 5)
    assert measures.gini(LISTS, n_items=4) == pytest.approx(((2 * ranks - 5) * counts).sum() / (4 * counts.sum()))
    assert measures.gini(np.full((2, 2), -1), n_items=4) is None


def test_diversity() -> None:
    # The first list has one pair, the second three, and the others none.
    assert measures.diversity(apart, LISTS) == pytest.approx((1 + (1 + 1 + 2) / 3) / 2)
    assert measures.diversity(apart, LISTS[2:]) is None


def test_novelty_and_popularity() -> None:
    popularity = np.array([8, 4, 2, 0])
    bits = -np.log2(np.array([8, 4, 4, 2, 8, 1]) / 8)
    assert measures.novelty(LISTS, popularity, n_users=8) == pytest.approx(bits.mean())
    histories = np.array([4.0, 4.0, 1.0, 100.0])  # the last user has no list
    means = np.array([(8 + 4) / 2, (4 + 2 + 8) / 3, 0])
    assert measures.popularity_lift(LISTS, popularity, histories) == pytest.approx(means.mean() / 3.0 - 1)
    assert measures.popularity_lift(LISTS[3:], popularity, histories[3:]) is None
