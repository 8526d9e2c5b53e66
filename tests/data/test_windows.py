"""Runs of consecutive positives with the items around them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data.pipelines import Draw
from hyperml_tf.data.windows import window_dataset

COUNTS = np.random.default_rng(0).integers(0, 14, 40)
INDPTR = np.concatenate([[0], np.cumsum(COUNTS)])
N = int(INDPTR[-1])
# Items that tell their user and their place.
ITEMS = np.arange(N, dtype=np.int32)
ALL = np.ones(N, bool)
SOME = np.random.default_rng(1).random(N) < 0.4


def epoch(dataset: Any) -> list[dict[str, np.ndarray]]:
    return list(dataset.as_numpy_iterator())


def windows(positive: np.ndarray = ALL, **kwargs: Any) -> Any:
    return window_dataset((INDPTR, ITEMS), positive, **{"batch_size": 16, "before": 3, "after": 2, **kwargs})


@pytest.mark.parametrize("positive", [ALL, SOME], ids=["all", "some"])
@pytest.mark.parametrize("reorder", [False, True])
@pytest.mark.parametrize("run", [1, 4, 7])
def test_every_positive_once_an_epoch(positive: np.ndarray, reorder: bool, run: int) -> None:
    dataset = windows(positive, reorder=reorder, run=run)
    for _ in range(2):
        batches = epoch(dataset)
        assert len(batches) == len(dataset) == -(-np.count_nonzero(positive) // 16)
        found = np.concatenate([batch["item"][batch["item"] >= 0] for batch in batches])
        assert sorted(found) == ITEMS[positive].tolist()
        # About as many positives in every batch.
        assert max(np.count_nonzero(batch["item"] >= 0) for batch in batches) <= 16 + 5 * run


def test_a_window_is_a_slice_of_the_history_of_its_user() -> None:
    for batch in epoch(windows(SOME, run=4)):
        for user, items, history in zip(batch["user"], batch["item"], batch["history"], strict=True):
            own = ITEMS[INDPTR[user] : INDPTR[user + 1]]
            padded = np.concatenate([np.full(20, -1), own, np.full(20, -1)])
            at, place = next((at, item - INDPTR[user]) for at, item in enumerate(items) if item >= 0)
            start = 20 + place - at - 3
            assert history.tolist() == padded[start : start + 9].tolist()
            run = history[3:7]
            assert np.array_equal(items, np.where((run >= 0) & SOME[run], run, -1))


@pytest.mark.parametrize("positive", [ALL, SOME], ids=["all", "some"])
def test_trimmed_windows_hold_the_same_in_less_space(positive: np.ndarray) -> None:
    dataset = windows(positive, run=8, trim=True)
    shapes = set()
    for _ in range(2):
        batches = epoch(dataset)
        assert len(batches) == len(dataset)
        found = np.concatenate([batch["item"][batch["item"] >= 0] for batch in batches])
        assert sorted(found) == ITEMS[positive].tolist()
        for batch in batches:
            items, history = batch["item"], batch["history"]
            before = history.shape[1] - items.shape[1] - 2
            shapes.add((before, items.shape[1]))
            # No column before or after the longest run is empty, and sequences that fit are whole.
            assert before == 0 or (history[:, 0] >= 0).any()
            assert (history[:, before + items.shape[1] - 1] >= 0).any()
            for user, row, run in zip(batch["user"], history, items, strict=True):
                own = ITEMS[INDPTR[user] : INDPTR[user + 1]]
                at, first = next((at, item - INDPTR[user]) for at, item in enumerate(run) if item >= 0)
                padded = np.concatenate([np.full(20, -1), own, np.full(20, -1)])
                start = 20 + first - at - before
                assert row.tolist() == padded[start : start + len(row)].tolist()
                assert len(own) > 8 or np.array_equal(row[before : before + len(own)], own)
    assert len(shapes) > 1


def test_reordered_windows_hold_items_of_their_user_only() -> None:
    neighbours = set()
    for batch in epoch(windows(reorder=True).repeat(80)):
        users = np.broadcast_to(batch["user"][:, np.newaxis], batch["history"].shape)
        inside = batch["history"] >= 0
        owners = np.searchsorted(INDPTR, batch["history"][inside], side="right") - 1
        assert np.array_equal(owners, users[inside])
        rows = batch["user"] == 1
        neighbours |= {(a, b) for row in batch["history"][rows].tolist() for a, b in itertools.pairwise(row)}
    n = COUNTS[1]
    assert n > 3
    assert len({pair for pair in neighbours if min(pair) >= 0}) == n * (n - 1)


def test_epochs_differ_and_a_rerun_does_not() -> None:
    def content(dataset: Any) -> list[Any]:
        return [batch["history"].tolist() for batch in epoch(dataset)]

    first, second = windows(seed=5), windows(seed=5)
    epochs = [content(first) for _ in range(3)]
    assert epochs == [content(second) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    assert content(windows(seed=6)) != epochs[0]


def test_an_epoch_depends_on_the_progress_alone() -> None:
    progress = tf.Variable(7, dtype=tf.int64)
    dataset = windows(progress=progress.read_value)
    first, second = epoch(dataset), epoch(dataset)
    assert all(np.array_equal(a["item"], b["item"]) for a, b in zip(first, second, strict=True))
    progress.assign(8)
    assert any(not np.array_equal(a["item"], b["item"]) for a, b in zip(first, epoch(dataset), strict=True))


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"`batch_size` must be at least 1. Received: batch_size=0"):
        windows(batch_size=0)
    with pytest.raises(ValueError, match=r"`positive` must have an entry that is True"):
        windows(np.zeros(N, bool))


@pytest.mark.parametrize("reorder", [False, True])
def test_drawn_epochs_have_all_new_positives_and_other_old_ones_each(reorder: bool) -> None:
    always, sometimes = np.flatnonzero(SOME), np.flatnonzero(~SOME)
    draw = Draw(always, sometimes, take=30, epochs=range(3))
    batches = epoch(windows(draw=draw, reorder=reorder))
    size = len(batches) // 3
    drawn = []
    for number in range(3):
        items = [batch["item"][batch["item"] >= 0] for batch in batches[number * size : (number + 1) * size]]
        found = np.concatenate(items)
        assert len(found) == len(np.unique(found)) == len(always) + 30
        assert np.isin(always, found).all()
        drawn.append(set(found.tolist()))
    assert drawn[0] != drawn[1] != drawn[2]
