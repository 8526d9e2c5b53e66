from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from quick import examples

from hyperml_tf.data import Interactions

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(-3, 3)), min_size=2, max_size=40)


def usable(rows):
    return len({row[0] for row in rows}) > 1 and len({row[1] for row in rows}) > 1


def slow(rows, ordered):
    """Python lists: users by first appearance, each sorted by time, ties in row order, the first of a pair kept."""
    result = []
    for user in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == user]
        own = sorted(own, key=lambda row: row[2]) if ordered else own
        result += [(user, item) for item in dict.fromkeys(row[1] for row in own)]
    return result


def pairs(table):
    return list(table.to_frame().itertuples(index=False, name=None))


@given(ROWS.filter(usable), st.booleans(), st.sampled_from([int, float, str]))
def test_order_ties_and_repeats(rows, ordered, kind):
    users, items, times = zip(*rows, strict=True)
    order = [kind(time) for time in times] if ordered else None
    table = Interactions.from_arrays(users, items, order)
    assert pairs(table) == slow(rows, ordered)
    assert table.ordered is ordered
    assert table.user_ids.tolist() == list(dict.fromkeys(users))
    assert table.item_ids.tolist() == list(dict.fromkeys(items))
    assert table.users.dtype == table.items.dtype == np.int32


def test_repeated_items_are_dropped_with_a_warning_and_the_row_that_counts_is_a_choice(caplog):
    users, items, order = ["u", "u", "u", "v", "v"], ["a", "b", "a", "b", "a"], [1, 2, 3, 1, 2]
    first, last = (Interactions.from_arrays(users, items, order, repeats=row) for row in ("first", "last"))
    assert [item for _, item in pairs(first)] == ["a", "b", "b", "a"]
    assert [item for _, item in pairs(last)] == ["b", "a", "b", "a"]
    assert [record.getMessage() for record in caplog.records] == [
        f"Dropped 1 of 5 rows that repeat an item of their user: the {row} row of each pair counts, see `repeats`."
        for row in ("first", "last")
    ]
    with pytest.raises(
        ValueError, match=r"`repeats` must be one of \('first', 'last', 'sum'\). Received: repeats='all'"
    ):
        Interactions.from_arrays(users, items, repeats="all")


@given(ROWS.filter(usable))
def test_csr_keys_and_counts(rows):
    table = Interactions.from_arrays(*zip(*rows, strict=True))
    keys, (indptr, indices) = table.keys(), table.csr()
    assert keys.dtype == indptr.dtype == indices.dtype == np.int64
    assert keys.tolist() == sorted(
        int(u) * table.n_items + int(i) for u, i in zip(table.users, table.items, strict=True)
    )
    for user in range(table.n_users):
        own = table.items[table.users == user]
        assert indices[indptr[user] : indptr[user + 1]].tolist() == sorted(own.tolist())
        assert table.activity()[user] == len(own)
    assert table.popularity().tolist() == [np.count_nonzero(table.items == item) for item in range(table.n_items)]


def test_order_beyond_what_one_sort_key_holds():
    table = Interactions.from_arrays(["a", "b", "a"], [1, 2, 3], order=[2**62, 0, -(2**62)])
    assert pairs(table) == [("a", 3), ("a", 1), ("b", 2)]


def test_other_columns_and_the_frame_are_left_alone():
    frame = pd.DataFrame({"item": [1, 2], "user": ["b", "a"], "rating": [None, object()]}, index=[7, 7])
    before = frame.copy()
    assert pairs(Interactions.from_frame(frame)) == [("b", 1), ("a", 2)]
    pd.testing.assert_frame_equal(frame, before)


def test_missing_identifiers_are_dropped_with_a_warning(caplog):
    frame = pd.DataFrame(
        {"user": ["only", "a", None, "b", "a"], "item": [None, 1, 2, 3, 4], "time": [1, 9, 1, 1, 2]}, dtype=object
    )
    with caplog.at_level(logging.WARNING):
        table = Interactions.from_frame(frame)
    assert "Dropped 2 of 5 rows" in caplog.text
    assert pairs(table) == [("a", 4), ("a", 1), ("b", 3)]
    assert table.user_ids.tolist() == ["a", "b"]
    assert table.item_ids.tolist() == [1, 3, 4]
    assert table.item_ids.dtype == np.int64


def test_missing_order_value():
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "date": ["2020-01-01", None]})
    with pytest.raises(ValueError, match=r"order column 'date' must have a value.*the first in row 1 "):
        Interactions.from_frame(frame)
    assert not Interactions.from_frame(frame, order_column=False).ordered


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([], [], "Received: 0 rows, 0 users, 0 items"),
        (["a", "a"], [1, 2], "Received: 2 rows, 1 users, 2 items"),
        (["a", "b"], [1, 1], "Received: 2 rows, 2 users, 1 items"),
        (["a", None], [1, 2], "Received: 1 rows, 1 users, 1 items"),
        ([None, None], [1, 2], "Received: 0 rows, 0 users, 0 items"),
    ],
)
def test_too_little(users, items, message):
    with pytest.raises(ValueError, match=f"must hold interactions of at least two users and two items. {message}"):
        Interactions.from_arrays(users, items)


def test_lengths_differ():
    with pytest.raises(ValueError, match=r"must have one length\. Received: \{'users': 2, 'items': 1\}"):
        Interactions.from_arrays([1, 2], [1])


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([0, 1], [0], "vectors of one length"),
        ([[0, 1]], [[0, 1]], "vectors of one length"),
        ([0.0, 1.0], [0, 1], "`users` must be integer codes"),
        ([0, 2], [0, 1], "`users` must be codes of the 2 identifiers. Received: 0 to 2"),
        ([0, 1], [-1, 1], "`items` must be codes of the 2 identifiers. Received: -1 to 1"),
        ([1, 0], [0, 1], "`users` must be sorted"),
    ],
)
def test_bad_codes(users, items, message):
    ids = np.arange(2)
    with pytest.raises(ValueError, match=message):
        Interactions(np.array(users), np.array(items), ids, ids)


def test_with_rows():
    table = Interactions.from_arrays([1, 1, 2, 3], [4, 5, 4, 6])
    for rows in ([3, 0], np.array([True, False, False, True]), np.array([0, -1])):
        part = table.with_rows(rows)
        assert pairs(part) == [(1, 4), (3, 6)]
        assert part.user_ids is table.user_ids
        assert part.item_ids is table.item_ids
        assert (part.n_users, part.n_items) == (3, 3)
    assert len(table.with_rows([])) == 0
    assert table.with_rows([]).popularity().tolist() == [0, 0, 0]
    assert repr(part) == "Interactions(rows=2, n_users=3, n_items=3)"
    with pytest.raises(ValueError, match=r"mask of 4 rows\. Received: shape \(1,\)"):
        table.with_rows(np.array([True]))
    with pytest.raises(ValueError, match=r"`rows` must be a mask or row numbers\. Received: dtype float64"):
        table.with_rows([0.5])
    with pytest.raises(IndexError):
        table.with_rows([4])


def test_the_constructor_takes_lists():
    table = Interactions([0, 0, 1], [1, 0, 1], ["a", "b"], [7, 5])
    assert pairs(table) == [("a", 5), ("a", 7), ("b", 5)]
    assert table.users.dtype == np.int32
    assert table.user_ids.dtype == object
    with pytest.raises(ValueError, match=r"`user_ids` must be distinct identifiers\. Received: 'a' more than once"):
        Interactions([0, 1], [1, 0], ["a", "a"], [7, 5])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_codes_of_every_width(dtype):
    ids = np.arange(2)
    assert Interactions(np.array([0, 1], dtype), np.array([1, 0], dtype), ids, ids).users.dtype == np.int32
    if np.iinfo(dtype).max > 2**32:
        with pytest.raises(ValueError, match="Received: 0 to 4294967296"):
            Interactions(np.array([0, 2**32], dtype), np.array([1, 0], dtype), ids, ids)


@pytest.mark.parametrize("values", [7, "abc", {"a": 1}, np.zeros((2, 2))])
def test_from_arrays_names_what_is_no_vector(values):
    with pytest.raises(ValueError, match=r"`items` must be a list, an array or another vector"):
        Interactions.from_arrays([1, 2], values)


def test_from_arrays_takes_iterators_series_and_tensors():
    table = Interactions.from_arrays(
        (n % 3 for n in range(6)), pd.Series(list("xyxyxy"), index=[0] * 6), tf.range(6, 0, -1)
    )
    assert pairs(table) == [(0, "y"), (0, "x"), (1, "x"), (1, "y"), (2, "y"), (2, "x")]
    assert table.codes_of(n for n in (2, 9)).tolist() == [2, -1]


def test_codes_of():
    table = Interactions.from_arrays(["b", "a"], [7, 5])
    assert table.codes_of(["a", "b", "c"]).tolist() == [1, 0, -1]
    assert table.item_codes_of([5, 6]).tolist() == [1, -1]
    assert table.item_codes_of(["5", "05"]).tolist() == [1, -1]


def test_recode_keeps_the_order_of_each_user_and_drops_what_is_unknown():
    table = Interactions.from_arrays(["b", "a", "b", "c", "b"], [1, 2, 3, 1, 2])
    recoded = table.recode(np.array(["a", "x", "b"], object), np.array([9, 3, 1, 2]))
    assert pairs(recoded) == [("a", 2), ("b", 1), ("b", 3), ("b", 2)]
    assert recoded.users.tolist() == [0, 2, 2, 2]
    assert recoded.items.tolist() == [3, 2, 1, 3]
    assert recoded.users.dtype == recoded.items.dtype == np.int32
    assert not recoded.ordered
    assert len(table.recode(["x"], [9])) == 0


def test_recode_to_its_own_vocabularies_is_the_table_itself():
    table = Interactions.from_arrays(["b", "a"], [7, 5], order=[1, 2])
    assert table.recode(table.user_ids, table.item_ids) is table
    assert table.recode(["b", "a"], [7, 5]) is table
    assert table.recode(table.user_ids, table.item_ids[::-1]).items.tolist() == [1, 0]
    assert table.recode(table.user_ids, table.item_ids[::-1]).ordered


def test_recode_between_integers_and_text():
    table = Interactions.from_arrays([1, 2], ["7", "07"])
    assert pairs(table.recode(["2", "1"], ["7", "07"])) == [("2", "07"), ("1", "7")]
    assert pairs(table.recode([2, 1], [7])) == [(1, 7)]


@pytest.mark.parametrize(
    ("user_ids", "message"),
    [
        (["a", "b", "a"], "`user_ids` must be distinct identifiers. Received: 'a' more than once"),
        (np.array(["a", "b", "a"], object), "must be distinct. Received: 'a' more than once"),
        (["a", None], "`user_ids` must be distinct identifiers. Received: a missing one"),
        ([["a"]], r"'user_ids' must hold one identifier per row, .* Received: \['a'\] in row 0"),
        ("ab", "`user_ids` must be a list, an array or another vector"),
    ],
)
def test_recode_to_what_is_no_vocabulary(user_ids, message):
    table = Interactions.from_arrays(["b", "a"], [7, 5])
    with pytest.raises(ValueError, match=message):
        table.recode(user_ids, [7])


@given(ROWS.filter(usable), ROWS.filter(usable))
def test_append(first, second):
    one, two = (Interactions.from_arrays(*zip(*rows, strict=True)) for rows in (first, second))
    both = one.append(two)
    assert both.user_ids.tolist() == list(dict.fromkeys([*one.user_ids.tolist(), *two.user_ids.tolist()]))
    assert both.item_ids.tolist() == list(dict.fromkeys([*one.item_ids.tolist(), *two.item_ids.tolist()]))
    rows = [(*pair, 0) for pair in pairs(one)] + [(*pair, 1) for pair in pairs(two)]
    assert pairs(both) == slow(rows, ordered=True)
    assert both.ordered
    assert pairs(one.append(one)) == pairs(one)


def test_append_keeps_identifiers_without_rows():
    one = Interactions.from_arrays(["a", "b"], [1, 2])
    two = Interactions.from_arrays(["c", "d"], [2, 3], order=[1, 2]).with_rows([0])
    both = one.append(two)
    assert pairs(both) == [("a", 1), ("b", 2), ("c", 2)]
    assert both.user_ids.tolist() == ["a", "b", "c", "d"]
    assert not both.ordered


def test_append_of_pairs_that_are_known():
    one = Interactions.from_arrays(["u", "u", "v"], ["a", "b", "a"], weights=[1, 2, 4])
    two = Interactions.from_arrays(["u", "v"], ["a", "b"])
    rows = {repeats: pairs(one.append(two, repeats)) for repeats in ("first", "last", "sum")}
    assert rows["first"] == [("u", "a", 1), ("u", "b", 2), ("v", "a", 4), ("v", "b", 1)]
    assert rows["last"] == [("u", "b", 2), ("u", "a", 1), ("v", "a", 4), ("v", "b", 1)]
    assert rows["sum"] == [("u", "b", 2), ("u", "a", 2), ("v", "a", 4), ("v", "b", 1)]


def test_a_part_of_a_table_may_be_of_a_single_user(tmp_path):
    frame = pd.DataFrame({"user": ["u"], "item": ["a"]})
    frame.to_csv(tmp_path / "day.csv", index=False)
    for table in (
        Interactions.from_arrays(["u"], ["a"], partial=True),
        Interactions.from_frame(frame, partial=True),
        Interactions.from_file(tmp_path / "day.csv", partial=True),
    ):
        assert pairs(table) == [("u", "a")]
    with pytest.raises(
        ValueError, match=r"must hold interactions of at least one user and one item\. Received: 0 rows"
    ):
        Interactions.from_frame(frame.iloc[:0], partial=True)


def test_append_of_integers_and_text(caplog):
    numbers, texts = Interactions.from_arrays([1, 2], [5, 6]), Interactions.from_arrays(["1", "3"], ["5", "x"])
    with caplog.at_level(logging.WARNING):
        both = numbers.append(texts)
        other = texts.append(numbers)
    assert both.user_ids.tolist() == [1, 2, 3]
    assert both.item_ids.tolist() == ["5", "6", "x"]
    assert pairs(both) == [(1, "5"), (2, "6"), (3, "x")]
    assert pairs(other) == [("1", "5"), ("3", "x"), ("2", "6")]
    assert [record.getMessage() for record in caplog.records] == [
        "The two tables have different types of item identifiers: all of them become text."
    ]


def test_fingerprint():
    first = Interactions.from_arrays(["a", "b", "a"], [1, 2, 3])
    assert first.fingerprint() == Interactions.from_arrays(["a", "b", "a"], [1, 2, 3], [0, 0, 0]).fingerprint()
    others = [
        Interactions.from_arrays(["a", "b", "a"], [3, 2, 1]),
        Interactions.from_arrays(["a", "b", "a"], ["1", "2", "3"]),
        Interactions.from_arrays(["a", "c", "a"], [1, 2, 3]),
        Interactions.from_arrays(["a", "b"], [1, 2]),
        first.with_rows([0, 1]),
    ]
    assert len({first.fingerprint(), *(other.fingerprint() for other in others)}) == 6
    # The fingerprint is stored with negatives and results, so it must not change between machines and releases.
    assert first.fingerprint() == "308ebb923085ef75b246993abfc054fa"


@pytest.mark.parametrize("batch", [None, 2, 100])
def test_from_dataset(batch):
    frame = {"user_id": ["a", "b", "é"], "item_id": [1, 2**53 + 1, 1], "rating": [[1.0], [2.0], [3.0]]}
    dataset = tf.data.Dataset.from_tensor_slices({key: tf.constant(value) for key, value in frame.items()})
    table = Interactions.from_dataset(dataset if batch is None else dataset.batch(batch))
    assert pairs(table) == [("a", 1), ("b", 2**53 + 1), ("é", 1)]


def test_from_dataset_with_order():
    dataset = tf.data.Dataset.from_tensor_slices({"u": [1, 1, 2], "i": [5, 6, 5], "when": [2.0, 1.0, 0.0]})
    table = Interactions.from_dataset(dataset, user_column="u", item_column="i", order_column="when")
    assert pairs(table) == [(1, 6), (1, 5), (2, 5)]


def test_from_dataset_errors():
    dataset = tf.data.Dataset.from_tensor_slices({"user": [1, 2], "item": [1, 2]})
    with pytest.raises(ValueError, match="`dataset` must be finite"):
        Interactions.from_dataset(dataset.repeat())
    with pytest.raises(ValueError, match=r"`dataset` must be a `tf.data.Dataset` of dictionaries"):
        Interactions.from_dataset(dataset.map(lambda row: (row["user"], row["item"])))
    with pytest.raises(ValueError, match=r"scalars, or batches of them. Received: ranks"):
        Interactions.from_dataset(dataset.batch(1).batch(1))
    with pytest.raises(ValueError, match="No item column"):
        Interactions.from_dataset(dataset.map(lambda row: {"user": row["user"]}))
    with pytest.raises(ValueError, match=r"`dataset` must hold interactions .*Received: 0 rows"):
        Interactions.from_dataset(dataset.take(0))


@settings(max_examples=examples(20))
@given(ROWS.filter(usable))
def test_shuffled_rows_give_the_same_histories(rows):
    users, items, _ = zip(*rows, strict=True)
    times = list(range(len(rows)))
    order = np.random.default_rng(0).permutation(len(rows))
    one = Interactions.from_arrays(users, items, times)
    two = Interactions.from_arrays(*(np.array(column)[order] for column in (users, items, times)))
    assert sorted(pairs(one)) == sorted(pairs(two))
    histories = [{user: [i for u, i in pairs(table) if u == user] for user in set(users)} for table in (one, two)]
    assert histories[0] == histories[1]
