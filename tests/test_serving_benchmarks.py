"""The parts of the serving benchmarks that could be wrong silently."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from hyperml_tf.data import Interactions

# Programs beside the package, which import one another as scripts do.
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import cold_users
import serving_versions
from random_model import random_model


def test_hidden_users_leave_no_trace() -> None:
    rng = np.random.default_rng(0)
    users, items = rng.integers(20, size=300), rng.integers(40, size=300)
    table = Interactions.from_arrays(users, items, order=np.arange(300))
    kept, histories = cold_users.hide(table, 0.2, seed=0)
    assert len(histories) == 4
    assert kept.n_users == 16
    assert len(kept) + sum(map(len, histories)) == len(table)
    # The rest of the table is as it was: rows of a user in their order, and no item that only hidden users had.
    frame, before = kept.to_frame(), table.to_frame()
    for user, rows in frame.groupby("user"):
        assert rows["item"].tolist() == before[before["user"] == user]["item"].tolist()
    assert set(kept.item_ids) == set(frame["item"])
    gone = before[~before["user"].isin(frame["user"])]
    assert sorted(histories) == sorted(rows["item"].tolist() for _, rows in gone.groupby("user"))


def test_only_ties_may_change_places() -> None:
    first = {"s": {"item_id": [["a", "b", "c"]], "distance": [[1.0, 2.0, 2.0000001]]}}
    tied = {"s": {"item_id": [["a", "c", "b"]], "distance": [[1.0, 2.0, 2.0000001]]}}
    assert serving_versions.compare(first, first) == (0.0, 0)
    assert serving_versions.compare(first, tied) == (0.0, 2)
    for wrong in (
        {"s": {"item_id": [["x", "b", "c"]], "distance": [[0.9, 2.0, 2.0000001]]}},
        {"s": {"item_id": [["a", "b", "c"]], "distance": [[1.0, 2.0, 2.1]]}},
        {"s": {"item_id": [["a", "b", "c"]], "distance": [[1.0, 2.0, np.inf]]}},
    ):
        with pytest.raises(AssertionError):
            serving_versions.compare(first, wrong)


def test_the_random_model_is_of_the_size_asked_for() -> None:
    model = random_model(users=5, items=30, dim=4, rows_a_user=3)
    radii = np.linalg.norm(model.candidate_tower.all_points(), axis=1)
    assert (len(model.query_tower), len(model.candidate_tower)) == (5, 30)
    assert np.tanh(1.5) - 1e-4 < radii.min() < radii.max() < np.tanh(2.5) + 1e-4
    assert 5 * 2 < len(model.seen) <= 15
