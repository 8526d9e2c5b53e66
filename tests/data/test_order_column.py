from __future__ import annotations

import datetime
import logging
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hyperml_tf.data.order_column import order_values

HUGE = 9_007_199_254_740_993  # 2^53 + 1, which is not a float64


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
        np.array([1, 2**63, 2**64 - 1], np.uint64),
        np.array([2**63, 2**63 + 1, 2**63 + 2], np.uint64),
        pd.array([1, 2**63, 2**63 + 1], dtype="UInt64"),
        [str(2**63), str(2**63 + 1), str(2**64 - 1)],
        [-(2**70), 2**70, 2**70 + 1],
        [str(-(2**70)), str(2**70), str(2**70 + 1)],
        [Decimal("1.5"), Decimal(2), Decimal(10)],
        pd.Series([np.int8(1), 2.5, np.float32(3)], dtype=object),
        [pd.Timestamp("2020-01-01"), datetime.datetime(2020, 1, 2), np.datetime64("2021-01-01")],
        pd.period_range("2020-01", periods=3, freq="M"),
        pd.to_timedelta([1, 2, 3], unit="s"),
        # Exports of Excel, BigQuery, Postgres, mail, web servers, Twitter, Unix.
        ["12/31/2019 11:59:00 PM", "01/01/2020 12:01:00 AM", "01/01/2020 12:01:00 PM"],
        ["31/12/2019 11:59 pm", "01/01/2020 12:01 am", "01/01/2020 1:01 pm"],
        ["2019-12-31 11:59:00PM", "2020-01-01 12:01:00AM", "2020-01-01 12:01:00PM"],
        ["Dec 31, 2019 11:59:00 PM", "Jan 1, 2020 12:01:00 AM", "Jan 1, 2020 12:01:00 PM"],
        ["12/31/19", "1/15/20", "2/14/20"],
        ["31.12.19 23:59", "15.01.20 00:01", "15.01.20 12:01"],
        ["12/31/19 11:59 PM", "1/15/20 12:01 AM", "1/15/20 12:01 PM"],
        ["2020-01-01 00:00:00 UTC", "2020-01-01 00:00:00.5 UTC", "2020-01-01 00:00:01 UTC"],
        ["2020-01-01 00:00:00+01", "2020-01-01 00:00:00+00", "2020-01-01 00:00:01.5+00"],
        ["2020-01-01T00:00:00+0100", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00-01:00"],
        ["20200101T000000Z", "20200101T000001Z", "20200102T000000Z"],
        ["Wed, 01 Jan 2020 00:00:00 +0100", "Wed, 01 Jan 2020 00:00:00 +0000", "Thu, 02 Jan 2020 00:00:00 +0000"],
        ["Wed, 01 Jan 2020 00:00:00 GMT", "Wed, 01 Jan 2020 00:00:01 GMT", "Thu, 02 Jan 2020 00:00:00 GMT"],
        ["Wed, 01 Jan 2020 00:00:00 GMT", "Wed, 01 Jan 2020 00:00:00 EST", "2 Jan 2020 00:00 +0000 (UTC)"],
        ["Tue Dec 31 23:59:00 +0000 2019", "Wed Jan 01 00:01:00 +0000 2020", "Wed Jan 01 12:01:00 +0000 2020"],
        ["Tue Dec 31 23:59:00 UTC 2019", "Wed Jan  1 00:01:00 UTC 2020", "Wed Jan  1 12:01:00 UTC 2020"],
        ["31/Dec/2019:23:59:00 +0000", "01/Jan/2020:00:01:00 +0000", "01/Jan/2020:12:01:00 +0000"],
        ["12 31, 2019", "01 15, 2020", "02 14, 2020"],
        ["31 December 2019", "15 January 2020", "14 February 2020"],
        *(
            pd.arrays.ArrowExtensionArray(pa.array([1, 2, 3], dtype))
            for dtype in (pa.date32(), pa.timestamp("us", "UTC"), pa.duration("s"), pa.float32(), pa.int16())
        ),
        pd.arrays.ArrowExtensionArray(pa.array([1, 2**63, 2**64 - 1], pa.uint64())),
        pd.arrays.ArrowExtensionArray(pa.array(["9", "10", "11"])),
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
            r"order column 'when' must have a value.*without an order column.*1 missing, the first in row 1 ",
        ),
        (["1", "", "", "4"], r"2 missing, the first in row 1 "),
        (pd.to_datetime(["2020-01-01", None]), r"1 missing, the first in row 1 "),
        (pd.Categorical(["1", None]), r"1 missing, the first in row 1 "),
        (["1", "2", "soon", "later"], r"'when' must hold numbers, or dates.*Received: 'soon' in row 2 "),
        (["2020-01-01", "2020-01-02", "soon"], r"Received: 'soon' in row 2 "),
        (["2020-01-01", "2020-02-31"], r"Received: '2020-02-31' in row 1 "),
        (["01/31/2020", "31/01/2020"], r"Received: '31/01/2020' in row 1 "),
        (["soon", "later"], r"Received: 'soon' in row 0 "),
        (["01/01/2020 01:00 AM", "01/01/2020 13:00 PM"], r"Received: '01/01/2020 13:00 PM' in row 1 "),
        (["Wed, 01 Jan 2020 00:00:00 GMT", "Wed, 01 Jan 2020 00:00:00 EST", "soon"], r"Received: 'soon' in row 2 "),
        ([[1], [2]], r"'when' must hold numbers, or dates.*Received: \[1\] in row 0 "),
        ([{"at": 1}, {"at": 2}], r"Received: \{'at': 1\} in row 0 "),
        ([1j, 2j], r"Received: .*1j.* in row 0 "),
    ],
)
def test_order_errors_name_the_first_bad_row(values, message):
    with pytest.raises(ValueError, match=message):
        order_values(pd.Series(values), "when")


def test_a_warning_where_month_and_day_can_be_swapped(caplog):
    with caplog.at_level(logging.WARNING):
        ambiguous = order_values(pd.Series(["01/02/2020", "02/01/2020"]), "when")
        assert "'01/02/2020' can be parsed month first or day first" in caplog.text
        caplog.clear()
        order_values(pd.Series(["01/02/2020", "01/30/2020"]), "when")
        order_values(pd.Series(["2020-01-02", "2020-02-01"]), "when")
        assert caplog.text == ""
    assert ambiguous[0] < ambiguous[1]
