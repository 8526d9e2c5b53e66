"""Metrics of users with several held-out items, written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hyperml_tf.metrics.user_metrics import METRICS, Places

# Two users, with held-out items at the places 1, 4 and 6, and at 0.
PLACES = Places(np.array([5, 5, 9, 5]), np.array([6, 1, 0, 4]))
GAIN = 1 / np.log2(np.array([0, 1, 2, 4]) + 2)
EXPECTED = {
    "hr": ([1, 1], [1, 1]),
    "recall": ([2 / 3, 1], [1, 1]),
    "precision": ([2 / 5, 1 / 5], [3 / 10, 1 / 10]),
    "f1": ([2 * 2 / (5 + 3), 2 * 1 / (5 + 1)], [2 * 3 / 13, 2 * 1 / 11]),
    "ndcg": ([(GAIN[1] + GAIN[3]) / GAIN[:3].sum(), 1], [(GAIN[1] + GAIN[3] + 1 / 3) / GAIN[:3].sum(), 1]),
    "map": ([(1 / 2 + 2 / 5) / 3, 1], [(1 / 2 + 2 / 5 + 3 / 7) / 3, 1]),
    "mrr": ([1 / 2, 1], [1 / 2, 1]),
}


@pytest.mark.parametrize("name", METRICS)
def test_each_metric(name: str) -> None:
    for k, expected in zip((5, 10), EXPECTED[name], strict=True):
        np.testing.assert_allclose(PLACES.metric(name, k), expected, err_msg=f"{name}@{k}")
    assert PLACES.users.tolist() == [5, 9]
    assert PLACES.several
    assert not Places(np.array([1, 2]), np.array([0, 0])).several
