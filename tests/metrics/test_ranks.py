"""Ranks counted by hand, and their gains."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.metrics import gains, ranks

NAN = float("nan")


@pytest.mark.parametrize(
    ("target", "others", "rank"),
    [
        (0.5, [0.9, 0.1], 1),
        (0.5, [0.4, 0.1], 0),
        (0.5, [0.5, 0.5, 0.1], 2),  # ties rank before the target
        (NAN, [0.1, 0.2], 2),  # a model does not win by returning NaN
        (0.5, [NAN, 0.1], 1),
        (float("-inf"), [float("-inf"), 0.0], 2),
        (0.5, [], 0),
    ],
)
def test_rank_among(target: float, others: list[float], rank: int) -> None:
    got = ranks.rank_among(tf.constant([target]), tf.reshape(tf.constant(others, tf.float32), [1, -1]))
    assert got.dtype == tf.int32
    assert got.numpy().tolist() == [rank]


@pytest.mark.parametrize(
    ("scores", "target", "excluded", "rank"),
    [
        ([0.9, 0.8, 0.1], 1, [], 1),
        ([0.9, 0.8, 0.1], 1, [0], 0),
        ([0.9, 0.8, 0.1], 1, [2], 1),
        ([0.5, 0.5, 0.5], 2, [], 2),
        ([0.5, 0.5, 0.5], 2, [1], 1),
        ([0.5, NAN, 0.1], 0, [], 1),
        ([0.5, NAN, 0.1], 0, [1], 0),
        ([0.5, NAN, 0.1], 1, [0], 1),
        ([0.9, 0.8, 0.1], 1, [0, 1], 0),  # the target competes although it is excluded
        ([0.9, 0.8, 0.1], 0, [0, 1, 2], 0),
    ],
)
def test_rank_in_catalogue(scores: list[float], target: int, excluded: list[int], rank: int) -> None:
    got = ranks.rank_in_catalogue([scores], [target], np.zeros(len(excluded), np.int64), np.array(excluded, np.int64))
    assert got.numpy().tolist() == [rank]


def test_excluded_pairs_belong_to_their_row() -> None:
    scores = [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]
    assert ranks.rank_in_catalogue(scores, [2, 2, 2], [0, 2, 2], [0, 0, 1]).numpy().tolist() == [1, 2, 0]


def test_values_of_ranks() -> None:
    assert gains.hit_rate([0, 1, 2], 2).numpy().tolist() == [1.0, 1.0, 0.0]
    np.testing.assert_allclose(gains.ndcg([0, 1, 2, 3], 3), [1.0, 1 / np.log2(3), 0.5, 0.0], rtol=1e-6)
