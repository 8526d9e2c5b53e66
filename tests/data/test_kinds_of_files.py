"""The same rows are the same table, whichever kind of file or frame they come in."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from hyperml_tf.data import Interactions

OPTIONS: dict[str, Any] = {"event_weights": "view=1,purchase=4", "weight_column": "amount", "min_rating": 2}
NAMES = "user,item,event,amount,rating,timestamp"


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "user": rng.integers(9, size=80),
            "item": [f"0{item}" for item in rng.integers(7, size=80)],
            "event": rng.choice(["view", "purchase"], 80),
            "amount": rng.integers(1, 4, size=80) / 2,
            "rating": rng.integers(1, 6, size=80),
            "timestamp": 1_600_000_000 + rng.integers(10**6, size=80),
        }
    )


ROWS = rows()
EXPECTED = Interactions.from_frame(ROWS, **OPTIONS)


def csv(**kwargs: Any) -> str:
    return ROWS.to_csv(index=False, **kwargs)


def json_lines() -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in ROWS.to_dict("records")).encode()


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rows.csv", csv())
    return path


def folder_of(path: Path, suffix: str, write: Callable[[pd.DataFrame, Path], Any]) -> Path:
    path.mkdir()
    for number, start in enumerate((0, 30, 31)):
        write(ROWS.iloc[start : (30, 31, 80)[number]], path / f"part-{number}{suffix}")
    written(path / "_SUCCESS", "")
    written(path / ".hidden" / "rows.csv", "nothing")
    return path


def in_dated_folders(path: Path) -> Path:
    """As Spark writes a table that is partitioned by a column."""
    for event, part in ROWS.groupby("event", sort=False):
        (path / f"event={event}").mkdir(parents=True)
        part.drop(columns="event").to_parquet(path / f"event={event}" / "part-0.parquet")
    return path


def as_csv(part: pd.DataFrame, path: Path) -> None:
    part.to_csv(path, index=False)


# Each writes the rows below a path, and returns what to read and the options for it.
KINDS: dict[str, Callable[[Path], tuple[Any, dict[str, Any]]]] = {
    "commas": lambda path: (written(path / "t.csv", csv()), {}),
    "semicolons after a byte order mark": lambda path: (written(path / "t.csv", "\ufeff" + csv(sep=";")), {}),
    "tabs": lambda path: (written(path / "t.tsv", csv(sep="\t")), {}),
    "typed names": lambda path: (written(path / "t.inter", csv(sep="\t").replace("user\t", "user_id:token\t", 1)), {}),
    "tabs without a header": lambda path: (written(path / "u.data", csv(sep="\t", header=False)), {"columns": NAMES}),
    "double colons": lambda path: (written(path / "t.dat", csv().replace(",", "::")), {}),
    "double colons without a header": lambda path: (
        written(path / "ratings.dat", csv(header=False).replace(",", "::")),
        {"columns": NAMES.split(",")},
    ),
    "carets": lambda path: (written(path / "t.txt", csv(sep="^")), {"separator": "^"}),
    "gzip": lambda path: (written(path / "t.csv.gz", gzip.compress(csv().encode())), {}),
    "zstd": lambda path: (written(path / "t.csv.zst", zstd(csv().encode())), {}),
    "bz2": lambda path: (written(path / "t.csv.bz2", bz2.compress(csv().encode())), {}),
    "xz": lambda path: (written(path / "t.csv.xz", lzma.compress(csv().encode())), {}),
    "zip": lambda path: (zipped(path / "t.zip"), {}),
    "a folder of CSV": lambda path: (folder_of(path / "t", ".csv", as_csv), {}),
    "a pattern": lambda path: (str(folder_of(path / "t", ".csv.gz", as_csv) / "part-*.csv.gz"), {}),
    "JSON Lines": lambda path: (written(path / "t.jsonl", json_lines()), {}),
    "JSON Lines, gzip": lambda path: (written(path / "t.ndjson.gz", gzip.compress(json_lines())), {}),
    "Parquet": lambda path: (ROWS.to_parquet(path / "t.parquet") or path / "t.parquet", {}),
    "a folder of Parquet": lambda path: (folder_of(path / "t", ".parquet", pd.DataFrame.to_parquet), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_are_the_same_table(kind: str, tmp_path: Path) -> None:
    path, options = KINDS[kind](tmp_path)
    table = Interactions.from_file(path, **OPTIONS, **options)
    assert EXPECTED.weights is not None
    np.testing.assert_array_equal(table.weights, EXPECTED.weights)
    assert table.fingerprint() == EXPECTED.fingerprint()
    assert table.origin is not None
    assert (table.origin.table, table.origin.rows) == (str(path), 80)


class OnlyInterchange:
    """What other libraries offer that have no Arrow interface."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __dataframe__(self, **kwargs: Any) -> Any:
        return self.table.__dataframe__(**kwargs)


FRAMES: dict[str, Callable[[], Any]] = {
    "Arrow": lambda: pa.table(ROWS),
    "pandas with Arrow types": lambda: ROWS.convert_dtypes(dtype_backend="pyarrow"),
    "pandas with nullable types": lambda: ROWS.convert_dtypes(),
    "pandas with categories": lambda: ROWS.astype({"event": "category", "item": "category", "rating": "category"}),
    "pandas with objects": lambda: ROWS.astype(object),
    "the interchange protocol": lambda: OnlyInterchange(pa.table(ROWS)),
    "polars": lambda: pytest.importorskip("polars").from_arrow(pa.table(ROWS)),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_other_libraries_are_the_same_table(kind: str) -> None:
    assert Interactions.from_frame(FRAMES[kind](), **OPTIONS).fingerprint() == EXPECTED.fingerprint()


def test_folders_that_are_named_by_a_column_hold_it(tmp_path: Path) -> None:
    table = Interactions.from_file(in_dated_folders(tmp_path / "t"), **OPTIONS)
    pairs = ["user", "item"]
    got, expected = (one.to_frame().sort_values(pairs) for one in (table, EXPECTED))
    np.testing.assert_array_equal(got[[*pairs, "weight"]].to_numpy(), expected[[*pairs, "weight"]].to_numpy())


def iso(offset: str) -> Callable[[pd.Series], Any]:
    return lambda dates: dates.dt.tz_localize("UTC").dt.tz_convert(offset).map(lambda date: date.isoformat())


TIMES: dict[str, Callable[[pd.Series], Any]] = {
    "milliseconds": lambda dates: ROWS["timestamp"] * 10**3,
    "microseconds": lambda dates: ROWS["timestamp"] * 10**6,
    "nanoseconds": lambda dates: ROWS["timestamp"] * 10**9,
    "ISO 8601": lambda dates: dates.dt.strftime("%Y-%m-%dT%H:%M:%S"),
    "UTC": lambda dates: dates.dt.strftime("%Y-%m-%d %H:%M:%SZ"),
    "a time zone": iso("+05:30"),
}


@pytest.mark.parametrize("unit", TIMES)
def test_times_of_every_unit_are_the_same_order(unit: str, tmp_path: Path) -> None:
    frame = ROWS.assign(timestamp=TIMES[unit](pd.to_datetime(ROWS["timestamp"], unit="s")))
    frame.to_csv(tmp_path / "t.csv", index=False)
    for table in (Interactions.from_frame(frame, **OPTIONS), Interactions.from_file(tmp_path / "t.csv", **OPTIONS)):
        assert table.fingerprint() == EXPECTED.fingerprint()
        assert table.origin is not None
        assert "2020-09-" in str(table.origin.span)


# What is wrong with a file is said ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        (
            "t.csv",
            "1,2,3\n1,3,4\n",
            {},
            r"`columns='user,item,timestamp'` \(`--columns user,item,timestamp`\).*'1,2,3'",
        ),
        ("t.dat", "1::2::3::4\n", {}, r"`columns='user,item,rating,timestamp'`"),
        ("t.csv", "1,2,3,4,5,6\n", {}, r"`columns='user,item,rating,timestamp,column5,column6'`"),
        ("t.csv", "1,2,3\n", {"columns": "user,item"}, r"`columns` must name every column of the file, 3 .*2 names"),
        ("t.csv", "1,2\n", {"columns": "user,user"}, r"`columns` must be distinct names"),
        ("t.dat", "user::item\na::b\na::c:d\n", {}, r"could not be read as text separated by '::'"),
        ("t.dat", "user::item\na:b:c\n", {}, r"could not be read as text separated by '::': a field contains ':'"),
        ("t.jsonl", "[1, 2]\n", {}, r"could not be read as JSON Lines.*a line holds list"),
        ("t.jsonl", '{"user": 1\n', {}, r"could not be read as JSON Lines"),
        ("t.jsonl", "\n", {}, r"could not be read as JSON Lines.*empty"),
        ("t.jsonl", '{"user": 1, "item": "a"}\n{"user": "x", "item": "b"}\n', {}, r"JSON Lines.*user"),
        (
            "t.jsonl",
            '{"user": 1, "item": "a"}\n',
            {"separator": ","},
            r"`separator` must be None unless the file is text",
        ),
        ("t.jsonl", '{"user": 1, "item": "a"}\n', {"columns": "user,item"}, r"`columns` must be None unless"),
    ],
)
def test_errors_of_files(name: str, content: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        Interactions.from_file(written(tmp_path / name, content), **options)


def test_text_in_json_stays_text_and_long_lines_are_read(tmp_path: Path) -> None:
    lines = [{"user": "2020-01-01", "item": "007", "note": "x" * 3_000_000}, {"user": "b", "item": "7"}]
    path = written(tmp_path / "t.jsonl", "\n".join(map(json.dumps, lines)))
    assert Interactions.from_file(path).to_frame().to_numpy().tolist() == [["2020-01-01", "007"], ["b", "7"]]


def test_a_folder_of_several_tables_names_them(tmp_path: Path) -> None:
    written(tmp_path / "ratings.csv", "userId,movieId,timestamp\n1,2,3\n")
    written(tmp_path / "tags.csv", "userId,movieId,tag,timestamp\n1,2,a,3\n")
    written(tmp_path / "titles.csv", "movieId,title\n1,a\n")
    with pytest.raises(ValueError, match=r"files of one table.*ratings.csv, tags.csv, titles.csv.*without 'userId'"):
        Interactions.from_file(tmp_path)
    (tmp_path / "ratings.csv").rename(tmp_path / "users.csv")
    written(tmp_path / "tags.csv", "userId,title\n1,a\n")
    with pytest.raises(ValueError, match=r"No item column.*tags.csv', the first of 2 files") as caught:
        Interactions.from_file(tmp_path / "t[ai]*.csv")
    assert str(tmp_path) in str(caught.value)


def test_a_folder_of_several_kinds_and_a_pattern_of_nothing(tmp_path: Path) -> None:
    written(tmp_path / "t.csv", csv())
    ROWS.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"files of one kind.*Parquet and text"):
        Interactions.from_file(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"`path` must be a file that exists. Received: .*\*\.tsv"):
        Interactions.from_file(tmp_path / "*.tsv")


def test_columns_of_the_files_of_a_folder_may_differ_in_width(tmp_path: Path) -> None:
    for number, dtype in enumerate((np.int32, np.int64)):
        frame = pd.DataFrame({"user": np.array([1, 2], dtype), "item": np.array([3, 4 + number], dtype)})
        pa.parquet.write_table(pa.table(frame), tmp_path / f"{number}.parquet")
    assert Interactions.from_file(tmp_path).to_frame().to_numpy().tolist() == [[1, 3], [2, 4], [2, 5]]
