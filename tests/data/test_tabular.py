from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.data.tabular import to_series

HUGE = 9_007_199_254_740_993  # 2^53 + 1, which is not a float64


class OtherTable:
    """What libraries such as polars and DuckDB share: a table that offers itself through the Arrow interface."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        (1, 2, 3),
        range(1, 4),
        iter([1, 2, 3]),
        (value for value in (1, 2, 3)),
        {"a": 1, "b": 2, "c": 3}.values(),
        np.array([1, 2, 3], np.uint8),
        pd.Series([1, 2, 3], index=["x", "x", "y"]),
        pd.Index([1, 2, 3]),
        pd.array([1, 2, 3], dtype="Int8"),
        pd.Categorical([1, 2, 3]),
        pa.array([1, 2, 3]),
        pa.chunked_array([[1, 2], [3]]),
        OtherTable(pa.chunked_array([[1, 2], [3]])),
        tf.constant([1, 2, 3]),
    ],
)
def test_vectors(values):
    series = to_series(values, "users")
    assert series.tolist() == [1, 2, 3]
    assert series.index.tolist() == [0, 1, 2]


def test_integers_beside_missing_values_stay_exact():
    assert to_series([HUGE, None], "users").tolist() == [HUGE, None]
    assert to_series(pa.array([HUGE, None]), "users").tolist() == [HUGE, pd.NA]
    assert to_series([1.5, None], "users").dtype == np.float64


def test_text_stays_whole():
    assert to_series(["a\0", "x" * 100_000], "users").tolist() == ["a\0", "x" * 100_000]
    assert to_series(tf.constant(["a\0", "é"]), "users").tolist() == [b"a\0", "é".encode()]


@pytest.mark.parametrize("values", ["abc", b"abc", 7, None, {"a": 1}, {"a"}, np.array(7), np.zeros((2, 2))])
def test_what_is_no_vector(values):
    with pytest.raises(ValueError, match=r"`users` must be a list, an array or another vector .* Received: "):
        to_series(values, "users")


@pytest.mark.parametrize("wrap", [lambda table: table, OtherTable])
def test_tables_of_other_libraries(wrap):
    table = pa.table(
        {
            "user": pa.array(["a", "a", "b"], pa.string_view()),
            "nested": [[1], [2], [3]],
            "item": pa.array(["x", "y", "x"]).dictionary_encode(),
            "date": pa.array([2, 1, 1], pa.date32()),
        }
    )
    read = Interactions.from_frame(wrap(table))
    assert read.to_frame().values.tolist() == [["a", "y"], ["a", "x"], ["b", "x"]]
    assert read.ordered


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"user": ["a", "a", "b"], "item": ["x", "y", "x"], "timestamp": [2, 1, 1]})
    assert Interactions.from_frame(frame).to_frame()["item"].tolist() == ["y", "x", "x"]
    assert len(Interactions.from_arrays(frame["user"], frame["item"], frame["timestamp"])) == 3


@pytest.mark.parametrize("frame", [{"user": [1, 2], "item": [1, 2]}, [[1, 2], [3, 4]], None, "t.csv"])
def test_what_is_no_frame(frame):
    with pytest.raises(ValueError, match="`frame` must be a pandas DataFrame, or a table that supports the Arrow"):
        Interactions.from_frame(frame)


def test_arrow_backed_frames():
    frame = pd.DataFrame(
        {"user": ["a", "a", "b"], "item": [1, 2, 1], "date": ["2020-01-02", "2020-01-01", "2020-01-01"]}
    )
    expected = Interactions.from_frame(frame).fingerprint()
    frame["date"] = pd.to_datetime(frame["date"])
    backed = frame.convert_dtypes(dtype_backend="pyarrow")
    assert Interactions.from_frame(backed).fingerprint() == expected
    backed["date"] = frame["date"].astype(pd.ArrowDtype(pa.date32()))
    assert Interactions.from_frame(backed).fingerprint() == expected
