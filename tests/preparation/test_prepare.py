"""What `prepare` writes equals what `Interactions.from_file` and `leave_one_out` make of the same table."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hyperml_tf.data import Interactions, leave_one_out
from hyperml_tf.data.splits import time_split, without_full_users
from hyperml_tf.preparation import PreparedTable, prepare
from hyperml_tf.preparation.engine import bytes_of
from hyperml_tf.preparation.manifest import MANIFEST
from hyperml_tf.preparation.shard_file import read_shard


def frame(rows: int = 400, seed: int = 0, **columns: Any) -> pd.DataFrame:
    """Rows with repeated pairs and equal times, in no order."""
    rng = np.random.default_rng(seed)
    drawn = {
        "user": [f"user {code}" for code in rng.integers(0, 40, rows)],
        "item": rng.integers(0, 25, rows) * 3 - 6,
        "timestamp": rng.integers(0, 30, rows),
    }
    return pd.DataFrame({**drawn, **columns})


def written(table: pd.DataFrame, path: Path) -> Path:
    """The table as a file of the kind of its suffix."""
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False)
    return path


def assert_equal(first: Interactions, second: Interactions) -> None:
    assert np.array_equal(first.users, second.users)
    assert np.array_equal(first.items, second.items)
    assert np.array_equal(first.row_weights(), second.row_weights())
    for ids in ("user_ids", "item_ids"):
        assert getattr(first, ids).dtype == getattr(second, ids).dtype
        assert getattr(first, ids).tolist() == getattr(second, ids).tolist()
    assert first.ordered == second.ordered
    assert (first.weights is None) == (second.weights is None)


def assert_prepared_as_loaded(path: Path, out: Path, shards: int = 3, **options: Any) -> PreparedTable:
    table = Interactions.from_file(path, **options)
    prepared = prepare(path, out, shards=shards, **options)
    assert_equal(prepared.interactions(), table)
    split = without_full_users(table, leave_one_out(table))
    for part in ("train", "validation", "test"):
        assert_equal(getattr(prepared.split(), part), getattr(split, part))
    assert prepared.fingerprint == table.fingerprint()
    assert prepared.training.direction() == pytest.approx(split.train.direction())
    assert prepared.training.activity().tolist() == split.train.activity().tolist()
    assert prepared.popularity().tolist() == split.train.popularity().tolist()
    origin, expected = prepared.manifest.origin, table.origin
    assert expected is not None
    for field in (
        "columns",
        "others",
        "rows",
        "dropped",
        "repeated",
        "repeats",
        "events",
        "event_weights",
        "notes",
    ):
        assert getattr(origin, field) == getattr(expected, field), field
    return prepared


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".jsonl"])
def test_codes_order_and_split_are_those_of_the_table_in_memory(suffix: str, tmp_path: Path) -> None:
    path = written(frame(), tmp_path / f"table{suffix}")
    prepared = assert_prepared_as_loaded(path, tmp_path / "out")
    assert str(prepared.manifest.origin.span) == "0 to 29"


@pytest.mark.parametrize(
    "options",
    [
        {"repeats": "last"},
        {"repeats": "sum"},
        {"order_column": False},
        {"min_rating": 3},
        {"weight_column": "plays"},
        {"weight_column": "plays", "repeats": "first"},
        {"event_weights": {"buy": 4, "view": 0.5, "skip": 0}},
        {"event_weights": "buy=4,view=1,skip=2", "weight_column": "plays", "min_rating": 2},
    ],
    ids=str,
)
def test_options_of_reading_are_those_of_from_file(options: dict[str, Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    table = frame(
        rating=np.where(rng.random(400) < 0.1, np.nan, rng.integers(1, 6, 400)),
        plays=rng.integers(0, 4, 400) / 2,
        event=rng.choice(["buy", "view", "skip"], 400),
    )
    table.loc[[3, 50], "user"] = None
    assert_prepared_as_loaded(written(table, tmp_path / "table.csv"), tmp_path / "out", **options)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("user", ["007", "7", "a", ""]),
        ("user", ["9223372036854775807", "-5", "0", "12"]),
        ("user", ["+7", "7", "8", "9"]),
        ("item", ["1", "2", "3", "99999999999999999999"]),
        ("timestamp", ["1.5", "-2", "1e3", "10"]),
        ("timestamp", ["2024-01-31", "2024-01-30", "2023-12-31", "2024-02-01"]),
        (
            "timestamp",
            ["2024-01-31T10:00:00Z", "2024-01-31T09:59:59.5Z", "2024-01-30T00:00:00Z", "2025-01-30T00:00:00Z"],
        ),
    ],
    ids=str,
)
def test_text_becomes_numbers_where_it_does_in_memory(column: str, values: list[str], tmp_path: Path) -> None:
    table = frame(200)
    table[column] = np.random.default_rng(2).choice(values, 200)
    assert_prepared_as_loaded(written(table, tmp_path / "table.csv"), tmp_path / "out")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("item", np.arange(200, dtype=np.uint8) % 30),
        ("item", np.where(np.arange(200) % 9 == 0, np.nan, np.arange(200.0) % 30)),
        ("user", pd.Categorical([f"u{place % 17}" for place in range(200)])),
        ("timestamp", pd.date_range("2024-01-01", periods=200, freq="s", tz="Europe/Vienna")[::-1]),
        ("timestamp", np.linspace(0, 1, 200)[::-1]),
    ],
    ids=["uint8", "floats with missing ones", "categories", "dates", "floats"],
)
def test_types_of_parquet_are_read_as_in_memory(column: str, values: Any, tmp_path: Path) -> None:
    table = frame(200)
    table[column] = values
    assert_prepared_as_loaded(written(table, tmp_path / "table.parquet"), tmp_path / "out")


def test_several_files_follow_one_another(tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    for day in range(3):
        written(frame(100, seed=day), folder / f"{day}.csv")
    assert_prepared_as_loaded(folder, tmp_path / "out")
    given = [str(folder / f"{day}.csv") for day in range(3)]
    assert prepare(given, tmp_path / "listed").fingerprint == PreparedTable.open(tmp_path / "out").fingerprint


def test_shards_have_all_rows_of_consecutive_users(tmp_path: Path) -> None:
    prepared = prepare(written(frame(), tmp_path / "table.csv"), tmp_path / "out", shards=4)
    assert len(prepared.shards) == 4
    next_user = 0
    for shard in prepared.shards:
        columns = read_shard(tmp_path / "out" / "shards" / shard.file)
        assert shard.first_user == next_user
        assert np.unique(columns["user"]).tolist() == list(range(next_user, next_user + shard.users))
        assert len(columns["user"]) == shard.rows
        next_user += shard.users
    assert next_user == prepared.n_users
    rows = [shard.rows for shard in prepared.shards]
    assert max(rows) < 2 * min(rows)


def test_a_user_with_most_of_the_rows_is_in_one_shard(tmp_path: Path) -> None:
    table = frame(300)
    table.loc[table.index[:250], "user"] = "one"
    table["item"] = np.arange(300)
    prepared = assert_prepared_as_loaded(written(table, tmp_path / "table.csv"), tmp_path / "out", shards=8)
    assert sum(shard.users for shard in prepared.shards) == prepared.n_users


def test_a_split_at_a_time_is_that_of_the_table(tmp_path: Path) -> None:
    path = written(frame(repeats=1).drop(columns="repeats"), tmp_path / "table.csv")
    when = int(pd.read_csv(path).timestamp.quantile(0.7))
    prepared = prepare(path, tmp_path / "out", split=f"time:{when}", shards=3, user_column="user")
    expected, found = time_split(Interactions.from_file(path), when), prepared.split()
    for part in ("train", "validation", "test"):
        assert len(getattr(expected, part)) > 0
        np.testing.assert_array_equal(getattr(found, part).keys(), getattr(expected, part).keys(), part)
    assert prepared.manifest.total("evaluated") == len(expected.users)


def test_a_table_that_is_not_split_is_trained_on_whole(tmp_path: Path) -> None:
    prepared = prepare(written(frame(), tmp_path / "table.csv"), tmp_path / "out", split="none")
    assert len(prepared.training) == len(prepared)
    with pytest.raises(ValueError, match='split="none"'):
        prepared.split()


def broken(column: str, value: Any, suffix: str = ".csv") -> tuple[pd.DataFrame, str]:
    table = frame(50).astype({column: object})
    table.loc[4, column] = value
    return table, suffix


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (broken("timestamp", ""), {}, "'timestamp' must have a value in every row.*1 missing, the first in row 4"),
        (broken("timestamp", "soon"), {}, "'timestamp' must hold numbers, or dates in ISO 8601.*'soon' in row 4"),
        (broken("timestamp", "31/01/2024"), {}, "dates in ISO 8601"),
        (broken("item", "x"), {"min_rating": 3}, "No rating column"),
        ((frame(50, plays=-1.0), ".csv"), {"weight_column": "plays"}, "'plays' must hold a finite weight >= 0.*row 0"),
        ((frame(50, event="buy"), ".csv"), {"event_weights": "view=1"}, "no weight for 'buy'"),
        ((frame(50, rating="good"), ".csv"), {"min_rating": 3}, "'rating' must hold numbers.*'good' in row 0"),
        ((frame(50, item=True), ".parquet"), {}, "'item' must hold integers or text"),
        ((frame(50, item="one"), ".csv"), {}, "at least two users and two items"),
        ((frame(50), ".csv"), {"split": "random"}, "`split` must be"),
        ((frame(50), ".csv"), {"split": "time:5", "order_column": False}, "requires an order column"),
        ((frame(50), ".csv"), {"memory": "much"}, "`memory` must be a size"),
        ((frame(50), ".csv.bz2"), {}, "must end in .gz or .zst"),
        ((frame(50), ".csv"), {"shards": 0}, "`shards` must be at least 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_prepared_is_said(
    table: tuple[pd.DataFrame, str], options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = written(table[0], tmp_path / f"table{table[1]}")
    with pytest.raises(ValueError, match=said):
        prepare(path, tmp_path / "out", **options)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_what_others_have_written_is_left_alone(tmp_path: Path) -> None:
    path, foreign = written(frame(), tmp_path / "table.csv"), tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="another's"):
        prepare(path, foreign, overwrite=True)
    first = prepare(path, tmp_path / "out")
    with pytest.raises(FileExistsError, match="overwrite"):
        prepare(path, tmp_path / "out")
    again = prepare(path, tmp_path / "out", repeats="last", overwrite=True)
    assert again.fingerprint != first.fingerprint
    assert sorted(one.name for one in tmp_path.iterdir()) == ["foreign", "out", "table.csv"]


def test_steps_are_said_and_called(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    steps: list[str] = []
    with caplog.at_level(logging.INFO, "hyperml_tf"):
        prepare(written(frame(), tmp_path / "table.csv"), tmp_path / "out", progress=steps.append)
    assert steps[0] == "Read 400 rows of 1 files"
    assert all(any(step in message for message in caplog.messages) for step in steps)
    assert "repeat an item of their user" in caplog.text


def test_without_duckdb_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ImportError, match=r"hyperml-tf\[prepare\]"):
        prepare(written(frame(), tmp_path / "table.csv"), tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "version 1"),
        ({"format": "another"}, "must be the manifest"),
        ({"shards": [{}]}, "must be the manifest"),
        ({"n_users": None, "origin": 3}, "must be the manifest"),
    ],
)
def test_a_damaged_manifest_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    prepare(written(frame(), tmp_path / "table.csv"), tmp_path / "out")
    file = tmp_path / "out" / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ValueError, match=said):
        PreparedTable.open(tmp_path / "out")


def test_files_outside_of_the_directory_are_not_read(tmp_path: Path) -> None:
    prepare(written(frame(), tmp_path / "table.csv"), tmp_path / "out")
    file = tmp_path / "out" / MANIFEST
    values = json.loads(file.read_text())
    values["shards"][0]["file"] = "../../table.csv"
    file.write_text(json.dumps(values))
    with pytest.raises(ValueError, match="outside of the directory"):
        PreparedTable.open(tmp_path / "out")


def test_a_missing_shard_is_said(tmp_path: Path) -> None:
    prepared = prepare(written(frame(), tmp_path / "table.csv"), tmp_path / "out")
    (tmp_path / "out" / "shards" / prepared.shards[0].file).unlink()
    with pytest.raises(FileNotFoundError, match=prepared.shards[0].file):
        PreparedTable.open(tmp_path / "out")


@pytest.mark.parametrize(("size", "bytes_"), [("4GiB", 2**32), ("800 MB", 8 * 10**8), (1000, 1000), ("1.5kb", 1500)])
def test_sizes(size: Any, bytes_: int) -> None:
    assert bytes_of(size, "memory") == bytes_
