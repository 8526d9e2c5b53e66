from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions, raw_dataset, training_dataset
from hyperml_tf.data.pipelines import Draw


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return Interactions.from_arrays(rng.integers(20, size=103), rng.integers(1000, size=103).astype(str))


def rows_of(dataset, user="user", item="item"):
    batches = list(dataset.as_numpy_iterator())
    return [pair for batch in batches for pair in zip(batch[user].tolist(), batch[item].tolist(), strict=True)]


def stored(table):
    return list(zip(table.users.tolist(), table.items.tolist(), strict=True))


@pytest.mark.parametrize("batch_size", [1, 10, 103, 500])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_row_once_an_epoch(table, batch_size, shuffle):
    n = len(table)
    dataset = training_dataset(table, batch_size, shuffle=shuffle)
    sizes = [len(batch["user"]) for batch in dataset]
    assert len(dataset) == len(sizes) == -(-n // batch_size)
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert sum(sizes) == n
    assert sorted(rows_of(dataset)) == sorted(stored(table))


def test_epochs_differ_and_a_rerun_does_not(table):
    first, second = training_dataset(table, 10, seed=5), training_dataset(table, 10, seed=5)
    epochs = [rows_of(first) for _ in range(3)]
    assert epochs == [rows_of(second) for _ in range(3)]
    assert len({tuple(epoch) for epoch in [*epochs, stored(table)]}) == 4
    assert rows_of(training_dataset(table, 10, seed=6)) != epochs[0]


def test_repeat_draws_new_permutations(table):
    rows = rows_of(training_dataset(table, 10, seed=5).repeat(2))
    n = len(table)
    assert len(rows) == 2 * n
    assert sorted(rows[:n]) == sorted(rows[n:]) == sorted(stored(table))
    assert rows[:n] != rows[n:]


def test_unshuffled_is_the_stored_order(table):
    dataset = training_dataset(table, 10, shuffle=False)
    assert rows_of(dataset) == rows_of(dataset) == stored(table)


@pytest.mark.slow
def test_permutation_is_uniform():
    table = Interactions.from_arrays([0, 1, 2], [0, 1, 2])
    dataset = training_dataset(table, 3).repeat(600)
    orders = np.array([batch["user"] for batch in dataset.as_numpy_iterator()])
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    # Six orders at 100 each: the 0.9999 quantile of chi-square with 5 degrees of freedom is 25.7.
    assert len(counts) == 6
    assert ((counts - 100.0) ** 2 / 100).sum() < 25.7


def test_specification(table):
    spec = training_dataset(table, 10).element_spec
    assert spec == {name: tf.TensorSpec((None,), tf.int32) for name in ("user", "item")}
    raw = raw_dataset(table, 10).element_spec
    assert raw == {"user_id": tf.TensorSpec((None,), tf.int64), "item_id": tf.TensorSpec((None,), tf.string)}


def test_raw_identifiers_follow_the_same_order(table):
    codes = rows_of(training_dataset(table, 10, seed=2))
    expected = [(table.user_ids[user], table.item_ids[item].encode()) for user, item in codes]
    assert rows_of(raw_dataset(table, 10, seed=2), "user_id", "item_id") == expected


def test_raw_dataset_round_trip(table):
    again = Interactions.from_dataset(raw_dataset(table, 10, shuffle=False))
    assert again.to_frame().equals(table.to_frame())


@pytest.mark.parametrize("function", [training_dataset, raw_dataset])
def test_errors(table, function):
    with pytest.raises(ValueError, match=r"`batch_size` must be at least 1\. Received: batch_size=0"):
        function(table, 0)
    with pytest.raises(ValueError, match="`interactions` must have rows"):
        function(table.with_rows([]), 10)


def test_drawn_epochs_have_all_new_rows_and_other_old_ones_each(table):
    always, sometimes = np.arange(40, 60), np.arange(40)
    draw = Draw(always, sometimes, take=15, epochs=range(2, 5))
    dataset = training_dataset(table, 10, seed=1, draw=draw)
    batches = list(dataset.as_numpy_iterator())
    assert len(dataset) == len(batches) == 3 * 4
    rows, drawn = stored(table), []
    for number in range(3):
        epoch = [pair for batch in batches[4 * number : 4 * number + 4] for pair in zip(*batch.values(), strict=True)]
        assert len(epoch) == len(set(epoch)) == 35
        assert set(rows[40:60]) <= set(epoch) <= set(rows[:60])
        drawn.append(set(epoch))
    assert drawn[0] != drawn[1] != drawn[2]
    # A resumed training has the later epochs as they would have been.
    later = training_dataset(table, 10, seed=1, draw=draw._replace(epochs=range(3, 5)))
    assert rows_of(later) == rows_of(dataset)[35:]
