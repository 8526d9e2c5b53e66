"""Fold-in: a new user is where a known user with the same items and no offset is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.models import HistoryTower, SequenceTower
from hyperml_tf.serving.fold_in import HistoryFoldIn, SequenceFoldIn

N_ITEMS, DIM = 30, 4


@pytest.mark.parametrize(
    "kinds", [(HistoryTower, HistoryFoldIn), (SequenceTower, SequenceFoldIn)], ids=["history", "sequence"]
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    "options", [{}, {"recent_half_life": 0.5}, {"recent_weight": 0.0}, {"half_life": None, "around": 1.0}]
)
def test_new_users_are_placed_as_known_ones(options: dict[str, Any], dtype: str, kinds: tuple[Any, Any]) -> None:
    rng = np.random.default_rng(0)
    counts = np.array([1, 3, 25, 12])
    tower = kinds[0](list("abcd"), DIM, N_ITEMS, options, curvature=0.5)
    if kinds[0] is SequenceTower:
        tower = SequenceTower(list("abcd"), DIM, N_ITEMS, options, curvature=0.5, encoding={"length": 20})
    tower.seen.set(np.repeat(np.arange(4), counts), np.concatenate([rng.permutation(N_ITEMS)[:n] for n in counts]))
    tower.embedding.embeddings.assign(np.zeros((4, DIM)))
    for table in filter(lambda table: table is not None, (tower.context, tower.recent)):
        table.assign(rng.normal(size=(N_ITEMS, DIM)) * 0.3)
    half_life = tower.history.half_life or float("inf")
    fold_in = kinds[1](tower, tf.Variable(0.5, trainable=False), half_life, dtype)
    codes = np.full((4, 28), -1, np.int32)
    for user, row in enumerate(np.split(tower.seen.items, np.cumsum(counts)[:-1])):
        # Padding and unknown items may be anywhere.
        codes[user, np.sort(rng.permutation(28)[: len(row)])] = row
    tolerance = 1e-5 if dtype == "float32" else 2e-3
    np.testing.assert_allclose(fold_in.points(tf.constant(codes)), tower.all_points(), rtol=tolerance, atol=tolerance)
