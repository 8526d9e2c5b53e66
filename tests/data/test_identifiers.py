from __future__ import annotations

import logging
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperml_tf.data.identifiers import MISSING, as_integers, compact, encode_ids

HUGE = 9_007_199_254_740_993  # 2^53 + 1, which is not a float64


def encode(values):
    codes, ids = encode_ids(pd.Series(values), "column")
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
        (np.array([2**63 + 5, 3, 2**63 + 5], np.uint64), [str(2**63 + 5), "3"], object),
        (np.array([2**63 - 1, 3, 2**63 - 1], np.uint64), [2**63 - 1, 3], np.int64),
        (pd.array([2**63 + 5, 3, 2**63 + 5], dtype="UInt64"), [str(2**63 + 5), "3"], object),
        (np.array([2**16 - 1, 3, 2**16 - 1], np.uint16), [2**16 - 1, 3], np.int64),
        (np.array([5, 3, 5], np.float16), [5, 3], np.int64),
        (pd.Series([np.uint8(5), 3, 5], dtype=object), [5, 3], np.int64),
        (pd.Series([5, 3.0, 5], dtype=object), [5, 3], np.int64),
        (pd.Series([Decimal(5), Decimal("3.0"), Decimal(5)]), [5, 3], np.int64),
        (pd.Series([np.str_("b"), "a", "b"], dtype=object), ["b", "a"], object),
        (pd.Series([UUID(int=2), UUID(int=1), UUID(int=2)]), [str(UUID(int=2)), str(UUID(int=1))], object),
        (["a\0", "a", "a\0"], ["a\0", "a"], object),
        (["x" * 100_000, "y", "x" * 100_000], ["x" * 100_000, "y"], object),
        (pd.arrays.SparseArray([5, 3, 5]), [5, 3], np.int64),
        ([True, False, True], ["True", "False"], object),
    ],
)
def test_types_of_identifiers(values, ids, dtype):
    assert encode(values) == ([0, 1, 0], ids, dtype)


@pytest.mark.parametrize(
    ("values", "ids", "dtype"),
    [
        (pa.array([HUGE, None, 3]), [HUGE, 3], np.int64),
        (pa.array([2**64 - 1, None, 1], pa.uint64()), [str(2**64 - 1), "1"], object),
        (pa.array(["b", None, "a"]), ["b", "a"], object),
        (pa.array(["b", None, "a"], pa.large_string()), ["b", "a"], object),
        (pa.array([b"b", None, b"a"]), ["b", "a"], object),
        (pa.array(["b", None, "a"]).dictionary_encode(), ["b", "a"], object),
        (pa.array([Decimal("7.00"), None, Decimal(3)]), [7, 3], np.int64),
        (pa.array([True, None, False]), ["True", "False"], object),
    ],
)
def test_arrow_types_of_identifiers(values, ids, dtype):
    assert encode(pd.arrays.ArrowExtensionArray(values)) == ([0, MISSING, 1], ids, dtype)


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_dates_become_the_same_text_in_every_unit_with_a_warning(unit, caplog):
    dates = pd.Series(np.array(["2024-01-02", "2024-01-01T03:04:05", "2024-01-02"], f"datetime64[{unit}]"))
    with caplog.at_level(logging.WARNING):
        assert encode(dates) == ([0, 1, 0], ["2024-01-02 00:00:00", "2024-01-01 03:04:05"], object)
    assert "'column' holds dates" in caplog.text
    assert encode(dates.astype(object))[1] == ["2024-01-02 00:00:00", "2024-01-01 03:04:05"]
    assert encode(dates.astype("category"))[1] == ["2024-01-02 00:00:00", "2024-01-01 03:04:05"]
    assert encode(dates.dt.tz_localize("UTC"))[1][0] == "2024-01-02 00:00:00+00:00"


def test_no_warning_for_one_type(caplog):
    with caplog.at_level(logging.WARNING):
        encode([UUID(int=2), UUID(int=1)])
        encode(pd.Series([np.str_("b"), "a"], dtype=object))
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["a"], r"\['a'\]"),
        ({"id": 1}, r"\{'id': 1\}"),
        (b"caf\xe9", r"b'caf\\xe9'"),
        ("\ud800", r"'\\ud800'"),
        ([0] * 1000, r"\[0, 0, .*\.\.\."),
    ],
)
def test_what_is_no_identifier_is_named(value, shown):
    values = pd.Series(["a", None, "b", "a", value], dtype=object)
    with pytest.raises(
        ValueError, match=rf"column 'uid' must hold one identifier per row, .* Received: {shown} in row 4 "
    ):
        encode_ids(values, "uid")


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


def test_mixed_types_become_text_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert encode(pd.Series([1, "a", "1", 2], dtype=object)) == ([0, 1, 0, 2], ["1", "a", "2"], object)
    assert "'column' holds several types" in caplog.text


def test_fractions_become_text_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert encode([1.5, 2.0, 1.5]) == ([0, 1, 0], ["1.5", "2.0"], object)
    assert "not whole numbers" in caplog.text


def test_categories_are_numbered_by_appearance():
    values = pd.Categorical(["c", "a", None, "c"], categories=["unused", "a", "b", "c"])
    assert encode(values) == ([0, 1, MISSING, 0], ["c", "a"], object)
    assert encode(pd.Categorical([9, 4, 9])) == ([0, 1, 0], [9, 4], np.int64)


@given(st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(-3, 3)), max_size=20))
def test_codes_decode_to_the_values(values):
    codes, ids = encode_ids(pd.Series(values, dtype=object), "column")
    decoded = [None if code == MISSING else str(ids[code]) for code in codes]
    assert decoded == [None if value in (None, "") else str(value) for value in values]
    seen = [code for code in codes if code != MISSING]
    assert list(dict.fromkeys(seen)) == list(range(len(ids)))


def test_integers_are_those_spelled_as_usual():
    texts = ["10", "-3", "0", str(2**70), "007", "1_000", "+1", "-0", " 1", "1.0", "٣", "", "a"]
    assert as_integers(texts).tolist() == [10, -3, 0, 2**70, *[None] * 9]


def test_compact():
    codes, ids = compact(np.array([3, 1, 3]), np.array([10, 11, 12, 13]))
    assert codes.tolist() == [0, 1, 0]
    assert ids.tolist() == [13, 11]


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
