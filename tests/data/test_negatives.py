from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperml_tf.data import Interactions, sampled_negatives


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(1, 9),
    st.integers(0, 5),
)
def test_unseen_and_distinct_where_possible(rows, n, seed):
    # User 5 has interacted with all items but one, which only user 6 has.
    rows = [*rows, *((5, item) for item in range(7)), (6, 7)]
    table = Interactions.from_arrays(*zip(*rows, strict=True))
    users = np.tile(np.arange(table.n_users), 2)
    negatives = sampled_negatives(table, users, n, seed)
    assert negatives.shape == (len(users), n)
    assert negatives.dtype == np.int32
    for user, drawn in zip(users, negatives.tolist(), strict=True):
        unseen = set(range(table.n_items)) - set(table.items[table.users == user].tolist())
        assert set(drawn) - {-1} <= unseen
        assert len(set(drawn) - {-1}) == min(n, len(unseen)) == n - drawn.count(-1)
    assert np.array_equal(negatives, sampled_negatives(table, users, n, seed))


def small():
    """User 0 has interacted with items 0 and 3 of six."""
    return Interactions.from_arrays([0, 1, 1, 0, 1, 1], [0, 1, 2, 3, 4, 5])


def test_every_subset_and_order_is_equally_likely():
    drawn = sampled_negatives(small(), np.zeros(12_000, int), n=2, seed=3)
    cells = list(itertools.permutations([1, 2, 4, 5], 2))
    counts = np.array([np.count_nonzero((drawn == cell).all(axis=1)) for cell in cells])
    assert counts.sum() == 12_000
    # Twelve cells at 1000 each: the 0.9999 quantile of chi-square with 11 degrees of freedom is 37.4.
    assert ((counts - 1000.0) ** 2 / 1000).sum() < 37.4


def test_where_there_are_too_few_items_all_are_drawn_once():
    drawn = np.sort(sampled_negatives(small(), np.zeros(3, int), n=7), axis=1)
    assert drawn.tolist() == [[-1, -1, -1, 1, 2, 4, 5]] * 3


def test_as_many_negatives_as_there_are_unseen_items():
    assert np.sort(sampled_negatives(small(), [0, 1], n=4)[0]).tolist() == [1, 2, 4, 5]


def test_seed_and_no_users():
    users = np.zeros(50, int)
    assert not np.array_equal(
        sampled_negatives(small(), users, 3, seed=0), sampled_negatives(small(), users, 3, seed=1)
    )
    assert sampled_negatives(small(), np.zeros(0, int), 3).shape == (0, 3)


def test_a_vocabulary_larger_than_the_rows():
    part = small().with_rows([0])
    assert set(sampled_negatives(part, [1], n=6)[0].tolist()) == set(range(6))


def test_errors():
    full = Interactions.from_arrays(["a", "a", "b"], [1, 2, 1])
    with pytest.raises(
        ValueError,
        match=r"must not contain users who have interacted with every item.*Received: 2 such rows, the first of 'a'",
    ):
        sampled_negatives(full, [0, 1, 0], n=1)
    with pytest.raises(ValueError, match=r"`n` must be at least 1\. Received: n=0"):
        sampled_negatives(full, [1], n=0)
    with pytest.raises(ValueError, match=r"`users` must be codes of the 2 users\. Received: 0 to 2"):
        sampled_negatives(full, [0, 2])
    with pytest.raises(ValueError, match="`users` must be a vector of integer codes"):
        sampled_negatives(full, ["a"])
