from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperml_tf.data import Interactions, leave_one_out

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
