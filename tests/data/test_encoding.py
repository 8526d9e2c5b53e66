from __future__ import annotations

import datetime
import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperml_tf.data.encoding import MISSING, compact, encode_ids, lookup, order_values

HUGE = 9_007_199_254_740_993  # 2^53 + 1, which is not a float64


def encode(values, **kwargs):
    codes, ids = encode_ids(pd.Series(values), "column", **kwargs)
    return codes.tolist(), ids.tolist(), ids.dtype


@pytest.mark.parametrize(
    ("values", "ids", "dtype"),
    [
        ([5, 3, 5], [5, 3], np.int64),
        (np.array([5, 3, 5], np.int8), [5, 3], np.int64),
        ([HUGE, 1, HUGE], [HUGE, 1], np.int64),
        (["b", "a", "b"], ["b", "a"], object),
        (["007", "7", "007"], ["007", "7"], object),
        (["é", "日本", "é"], ["é", "日本"], object),
        ([b"x", "é".encode(), b"x"], ["x", "é"], object),
        ([2**64 - 1, 1, 2**64 - 1], [str(2**64 - 1), "1"], object),
        ([2**70, 1, 2**70], [str(2**70), "1"], object),
        ([True, False, True], ["True", "False"], object),
    ],
)
def test_types_of_identifiers(values, ids, dtype):
    assert encode(values) == ([0, 1, 0], ids, dtype)


def test_missing_values_do_not_turn_integers_into_floats():
    assert encode([7, None, 3, 7]) == ([0, MISSING, 1, 0], [7, 3], np.int64)
    assert encode(pd.array([HUGE, None, 3], dtype="Int64")) == ([0, MISSING, 1], [HUGE, 3], np.int64)
    assert encode(pd.Series([7, None, 3], dtype=object)) == ([0, MISSING, 1], [7, 3], np.int64)
    assert encode(["a", None, "", "b", float("nan")]) == ([0, MISSING, MISSING, 1, MISSING], ["a", "b"], object)


def test_all_missing():
    codes, ids, _ = encode([None, None])
    assert codes == [MISSING, MISSING]
    assert ids == []
    assert encode(["", ""])[:2] == ([MISSING, MISSING], [])


def test_mixed_types_become_strings_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert encode(pd.Series([1, "a", "1", 2], dtype=object)) == ([0, 1, 0, 2], ["1", "a", "2"], object)
    assert "'column' mixes types" in caplog.text


def test_fractions_become_strings_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert encode([1.5, 2.0, 1.5]) == ([0, 1, 0], ["1.5", "2.0"], object)
    assert "not whole numbers" in caplog.text


def test_categories_are_numbered_by_appearance():
    values = pd.Categorical(["c", "a", None, "c"], categories=["unused", "a", "b", "c"])
    assert encode(values) == ([0, 1, MISSING, 0], ["c", "a"], object)
    assert encode(pd.Categorical([9, 4, 9])) == ([0, 1, 0], [9, 4], np.int64)


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        (["10", "-3", "0"], [10, -3, 0]),
        ([str(HUGE), str(2**63 - 1), "1"], [HUGE, 2**63 - 1, 1]),
        (["007", "8", "9"], ["007", "8", "9"]),
        (["1_000", "8", "9"], ["1_000", "8", "9"]),
        (["+1", "8", "9"], ["+1", "8", "9"]),
        (["-0", "8", "9"], ["-0", "8", "9"]),
        ([" 1", "8", "9"], [" 1", "8", "9"]),
        (["1.0", "8", "9"], ["1.0", "8", "9"]),
        (["٣", "8", "9"], ["٣", "8", "9"]),
        ([str(2**63), "8", "9"], [str(2**63), "8", "9"]),
        (["NA", "null", "nan"], ["NA", "null", "nan"]),
    ],
)
def test_text_becomes_integers_only_if_exact(texts, ids):
    assert encode(texts, parse_integers=True)[:2] == ([0, 1, 2], ids)
    assert encode(texts)[1] == texts


@given(st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(-3, 3)), max_size=20))
def test_codes_decode_to_the_values(values):
    codes, ids = encode_ids(pd.Series(values, dtype=object), "column")
    decoded = [None if code == MISSING else str(ids[code]) for code in codes]
    assert decoded == [None if value in (None, "") else str(value) for value in values]
    seen = [code for code in codes if code != MISSING]
    assert list(dict.fromkeys(seen)) == list(range(len(ids)))


def test_compact():
    codes, ids = compact(np.array([3, 1, 3]), np.array([10, 11, 12, 13]))
    assert codes.tolist() == [0, 1, 0]
    assert ids.tolist() == [13, 11]


def test_lookup_accepts_text_for_integers_and_back():
    integers, texts = pd.Index(np.array([5, HUGE])), pd.Index(np.array(["a", "5"], dtype=object))
    assert lookup(integers, [HUGE, 5, 6]).tolist() == [1, 0, -1]
    assert lookup(integers, ["5", b"5", "05", "x", str(2**70)]).tolist() == [0, 0, -1, -1, -1]
    assert lookup(texts, ["5", "b", b"a"]).tolist() == [1, -1, 0]
    assert lookup(texts, [5, 6]).tolist() == [1, -1]
    assert lookup(texts, []).tolist() == []
    with pytest.raises(ValueError, match="must be a list or a vector"):
        lookup(texts, "a")


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        [HUGE - 1, HUGE, HUGE + 1],
        [0.5, 1.5, 2.5],
        ["9", "10", "11"],
        ["9.5", "10", "1e3"],
        pd.array([1, 2, 3], dtype="Int32"),
        np.array([1, 2, 3], np.uint64),
        [False, True, True],
        pd.to_datetime(["2020-01-01", "2020-01-02", "2021-01-01"]),
        pd.to_datetime(["2020-01-01", "2020-01-02", "2021-01-01"]).tz_localize("Asia/Tokyo"),
        ["2020-01-01", "2020-01-02 03:04:05", "2020-01-02T03:04:06Z"],
        ["01/31/2020", "02/01/2020", "03/01/2020"],
        ["01/02/2020", "30/03/2020", "01/04/2020"],
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), datetime.date(2021, 1, 1)],
        pd.Categorical(["9", "10", "11"]),
        pd.Categorical([9, 10, 11]),
    ],
)
def test_order_values_sort(values):
    numbers = order_values(pd.Series(values), "when")
    assert numbers.dtype in (np.int64, np.float64)
    assert np.argsort(numbers, kind="stable").tolist() == [0, 1, 2]
    assert len(set(numbers.tolist())) == len(pd.Series(values).unique())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [1.0, None, 3.0],
            r"order column 'when' must have a value.*`order_column=False`.*1 missing, the first in row 1 ",
        ),
        (["1", "", "", "4"], r"2 missing, the first in row 1 "),
        (pd.to_datetime(["2020-01-01", None]), r"1 missing, the first in row 1 "),
        (pd.Categorical(["1", None]), r"1 missing, the first in row 1 "),
        (["1", "2", "soon", "later"], r"'when' must hold numbers, or dates.*Received: 'soon' in row 2 "),
        (["2020-01-01", "2020-01-02", "soon"], r"Received: 'soon' in row 2 "),
        (["2020-01-01", "2020-02-31"], r"Received: '2020-02-31' in row 1 "),
        (["01/31/2020", "31/01/2020"], r"Received: '31/01/2020' in row 1 "),
        (["soon", "later"], r"Received: 'soon' in row 0 "),
    ],
)
def test_order_errors_name_the_first_bad_row(values, message):
    with pytest.raises(ValueError, match=message):
        order_values(pd.Series(values), "when")


@pytest.mark.parametrize("reach", [5, 10**12])
@given(st.data())
def test_integers_close_together_and_far_apart_are_numbered_alike(reach, data):
    limits = st.sampled_from([0, -(2**63), 2**63 - 1 - reach])
    low = data.draw(limits)
    values = np.array(data.draw(st.lists(st.integers(low, low + reach), max_size=30)), np.int64)
    codes, ids = encode_ids(pd.Series(values), "column")
    expected_codes, expected_ids = pd.factorize(values)
    assert codes.dtype == np.int32
    np.testing.assert_array_equal(codes, expected_codes)
    np.testing.assert_array_equal(ids, expected_ids)
