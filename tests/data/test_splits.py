from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperml_tf.data import Interactions, k_folds, leave_one_out, time_split
from hyperml_tf.data.times import as_time

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7), st.integers(0, 3)), min_size=5, max_size=60)


def table_of(rows):
    """With a first user of three items, so that something can be evaluated, and a second one of one item."""
    rows = [(9, 0, 0), (9, 1, 1), (9, 2, 2), (8, 0, 0), *rows]
    return Interactions.from_arrays(*zip(*rows, strict=True)), rows


def history(rows, user):
    own = sorted((row for row in rows if row[0] == user), key=lambda row: row[2])
    return list(dict.fromkeys(row[1] for row in own))


def per_user(part):
    return dict(zip(part.user_ids[part.users].tolist(), part.item_ids[part.items].tolist(), strict=True))


@given(ROWS)
def test_last_against_lists(rows):
    table, rows = table_of(rows)
    split = leave_one_out(table)
    histories = {user: history(rows, user) for user in dict.fromkeys(row[0] for row in rows)}
    long = {user: items for user, items in histories.items() if len(items) >= 3}
    assert per_user(split.test) == {user: items[-1] for user, items in long.items()}
    assert per_user(split.validation) == {user: items[-2] for user, items in long.items()}
    expected = [(u, i) for u, items in histories.items() for i in (items[:-2] if u in long else items)]
    assert list(split.train.to_frame().itertuples(index=False, name=None)) == expected


@given(ROWS, st.sampled_from(["last", "random"]), st.integers(0, 3))
def test_parts_are_disjoint_complete_and_aligned(rows, order, seed):
    table, _ = table_of(rows)
    split = leave_one_out(table, order, seed)
    parts = (split.train, split.validation, split.test)
    assert sorted(np.concatenate([part.keys() for part in parts]).tolist()) == table.keys().tolist()
    assert split.validation.users.tolist() == split.test.users.tolist() == split.users.tolist()
    assert split.users.tolist() == np.flatnonzero(table.activity() >= 3).tolist()
    assert np.all(split.train.activity() >= 1)
    both = np.concatenate([split.train.keys(), split.validation.keys()])
    assert split.before_test.keys().tolist() == np.sort(both).tolist()
    for part in (*parts, split.before_test):
        assert part.user_ids is table.user_ids
        assert part.item_ids is table.item_ids


def test_random_is_reproducible_and_uniform():
    users = np.repeat(np.arange(3000), 4)
    table = Interactions.from_arrays(users, np.tile(np.arange(4), 3000))
    split, again, other = (leave_one_out(table, "random", seed) for seed in (1, 1, 2))
    assert split.test.fingerprint() == again.test.fingerprint()
    assert split.validation.fingerprint() == again.validation.fingerprint()
    assert split.test.fingerprint() != other.test.fingerprint()
    counts = np.zeros((4, 4))
    np.add.at(counts, (split.test.items, split.validation.items), 1)
    assert np.all(np.diag(counts) == 0)
    # Twelve ordered pairs at 250 each: the 0.9999 quantile of chi-square with 11 degrees of freedom is 37.4.
    assert ((counts[~np.eye(4, dtype=bool)] - 250) ** 2 / 250).sum() < 37.4


def test_without_an_order_column_the_table_counts(caplog):
    table = Interactions.from_arrays(["a", "b", "a", "a"], [3, 1, 1, 2])
    with caplog.at_level(logging.WARNING):
        split = leave_one_out(table)
    assert "no order column" in caplog.text
    assert per_user(split.test) == {"a": 2}
    caplog.clear()
    leave_one_out(table, "random")
    assert "no order column" not in caplog.text


def test_items_that_are_only_held_out_stay_in_the_vocabulary():
    split = leave_one_out(Interactions.from_arrays([1, 1, 1, 2], [1, 2, 3, 1], [0, 1, 2, 0]))
    assert split.train.n_items == 3
    assert split.train.popularity().tolist() == [2, 0, 0]


def test_errors():
    table = Interactions.from_arrays([1, 1, 2], [1, 2, 1])
    with pytest.raises(ValueError, match=r'`order` must be "last" or "random"\. Received: \'first\''):
        leave_one_out(table, "first")
    with pytest.raises(ValueError, match=r"a user with at least 3 distinct items.*Received: at most 2 items per user"):
        leave_one_out(table)


@given(ROWS, st.integers(0, 3))
def test_time_split_against_lists(rows, when):
    # Every user has all items but one at most, or nothing could be ranked for them.
    rows = [(0, 0, 0), (0, 1, 1), (0, 2, 2), (0, 3, 3), (7, 9, 3), *rows]
    table = Interactions.from_arrays(*zip(*rows, strict=True))
    first = {}
    for user, item, time in sorted(rows, key=lambda row: row[2]):
        first.setdefault((user, item), time)
    before = {u: [i for (v, i), t in first.items() if v == u and t < when] for u, _ in first}
    later = {u: {i for (v, i), t in first.items() if v == u and t >= when} for u, _ in first}
    expected = {(u, i) for u, items in later.items() if before[u] for i in items}
    if not expected:
        with pytest.raises(ValueError, match="must have rows from then on of users who have earlier rows"):
            time_split(table, when)
        return
    split = time_split(table, when)
    assert set(split.test.to_frame().itertuples(index=False, name=None)) == expected
    assert set(split.validation.users.tolist()) == {
        int(table.codes_of([u])[0]) for u, items in before.items() if len(items) >= 3
    }
    known = split.before_test
    assert len(known) == sum(map(len, before.values()))
    assert len(split.validation) == len(np.unique(split.validation.users))
    assert known.times is None
    assert split.train.times.max(initial=-1) < when


@pytest.mark.parametrize(
    "column",
    [
        ["2023-12-30", "2023-12-31", "2024-01-01"],
        np.array(["2023-12-30", "2023-12-31", "2024-01-01"], "datetime64[s]"),
        [1703900000, 1703980800, 1704067200],
        [1703900000000.0, 1703980800000.0, 1704067200000.0],
        ["2023-12-30T00:00:00+02:00", "2023-12-31T00:00:00+02:00", "2024-01-01T02:00:00+02:00"],
    ],
)
def test_a_date_splits_times_of_any_kind(column):
    table = Interactions.from_arrays(["a", "a", "a", "b"], [1, 2, 3, 4], order=[*column, column[0]])
    assert time_split(table, "2024-01-01").test.to_frame().values.tolist() == [["a", 3]]


def test_times_are_numbers_or_dates():
    assert as_time("2024-01-01T00:00:00.5+01:00", np.array([1.7e9])) == 1704063601
    with pytest.raises(ValueError, match="A date requires an order column of times"):
        as_time("2024-01-01", np.array([1, 2, 3]))
    with pytest.raises(ValueError, match=r"must be a number or a date such as 2024-01-01\. Received: 'soon'"):
        as_time("soon", np.array([1.7e9]))
    with pytest.raises(ValueError, match="requires a table with an order column"):
        time_split(Interactions.from_arrays(["a", "b"], [1, 2]), 3)


@given(ROWS, st.integers(2, 4))
def test_folds_test_every_row_once(rows, folds):
    table, _ = table_of([(7, 9, 0), (7, 10, 1), *rows])
    splits = list(k_folds(table, folds, seed=1))
    tests = np.concatenate([split.test.keys() for split in splits])
    assert len(tests) == len(np.unique(tests))
    activity = table.activity()
    # Rows of users with a single one, or with all items, are only trained on.
    ranked = (activity >= 2) & (activity < table.n_items)
    assert set(tests) == set(table.with_rows(ranked[table.users]).keys())
    for split in splits:
        assert np.isin(split.test.users, split.before_test.users).all()
        parts = np.concatenate([part.keys() for part in (split.train, split.validation, split.test)])
        assert len(parts) == len(np.unique(parts)) <= len(table)
        left = split.before_test.activity()
        expected = ranked & (left >= 3)
        assert split.validation.users.tolist() == np.flatnonzero(expected).tolist()
    per_fold = np.stack([split.test.activity() for split in splits])
    assert (per_fold.max(axis=0) - per_fold.min(axis=0) <= 1).all()
