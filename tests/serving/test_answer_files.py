"""Answers for all users and items: the same as one by one, in files that are whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny import split, trained

from hyperml_tf import cli
from hyperml_tf.cli import answers
from hyperml_tf.data import ItemTable
from hyperml_tf.models import HyperML
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.serving import answer_files, recommend_in_batches, recommend_to_file, similar_to_file

K = 3


def titles() -> ItemTable:
    ids = trained().candidate_tower.ids
    return ItemTable(ids, {"title": [f'Title, "{item}"' for item in ids]})


def read(path: Path) -> pd.DataFrame:
    return {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".jsonl": lambda path: pd.read_json(path, lines=True)}[
        path.suffix
    ](path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r.parquet", "r.csv", "r.jsonl"])
def test_a_file_has_what_the_model_answers(tmp_path: Path, name: str) -> None:
    users, seen = trained().query_tower.ids, []
    path = tmp_path / "new" / name
    rows = recommend_to_file(trained(), path, k=K, items=titles(), batch_size=50, progress=seen.append)
    got, expected = read(path), trained().recommend(users, K)
    assert rows == len(got) == len(users) * K
    assert seen == [50, 50, len(users) - 100]
    assert got.columns.tolist() == ["user", "rank", "item", "distance", "title"]
    assert got["user"].tolist() == np.repeat(users, K).tolist()
    assert got["rank"].tolist() == list(range(1, K + 1)) * len(users)
    assert got["item"].tolist() == expected.ids.ravel().tolist()
    np.testing.assert_allclose(got["distance"], expected.distances.ravel(), rtol=1e-5)
    assert got["title"].tolist() == [f'Title, "{item}"' for item in expected.ids.ravel()]


@pytest.mark.slow
def test_filters_and_users_of_ones_own(tmp_path: Path) -> None:
    """With fewer items left than asked for, there are fewer rows."""
    items, users = trained().candidate_tower.ids[:5].tolist(), [trained().query_tower.ids[4], "stranger"]
    options = {"include": items, "exclude": items[:1], "exclude_seen": False}
    rows = recommend_to_file(trained(), tmp_path / "r.parquet", users, k=10, batch_size=1, **options)
    got, expected = read(tmp_path / "r.parquet"), trained().recommend(users, 10, **options)
    assert rows == 2 * 4
    assert got["item"].tolist() == [item for row in expected.ids for item in row if item]


@pytest.mark.slow
def test_batches_without_a_row_come_first(tmp_path: Path) -> None:
    """Their columns are of the types of the others."""
    model = HyperML([1, 2], [7, 8], dim=2, history=0)
    model.seen.set(np.array([0, 0]), np.array([0, 1]))
    assert recommend_to_file(model, tmp_path / "r.parquet", k=2, batch_size=1) == 2
    assert read(tmp_path / "r.parquet").dtypes.astype(str).to_dict() == {
        "user": "int64", "rank": "int32", "item": "int64", "distance": "float32"
    }  # fmt: skip


def test_models_that_rank_by_score(tmp_path: Path) -> None:
    train = split().train
    model = Popularity(train.user_ids, train.item_ids)
    model.set_seen(train)
    recommend_to_file(model, tmp_path / "r.parquet", train.user_ids[:4], k=2)
    got, expected = read(tmp_path / "r.parquet"), model.recommend(train.user_ids[:4], 2)
    assert got["item"].tolist() == expected.ids.ravel().tolist()
    assert got["score"].tolist() == expected.scores.ravel().tolist()


@pytest.mark.slow
def test_similar_items(tmp_path: Path) -> None:
    ids = trained().candidate_tower.ids
    rows = similar_to_file(trained(), tmp_path / "s.csv", k=2, items=titles(), batch_size=64)
    got, expected = read(tmp_path / "s.csv"), trained().similar_items(ids, 2)
    assert rows == 2 * len(ids)
    assert got["item"].tolist() == np.repeat(ids, 2).tolist()
    assert got["similar_item"].tolist() == expected.ids.ravel().tolist()
    assert got["title"].tolist() == [f'Title, "{item}"' for item in expected.ids.ravel()]


@pytest.mark.slow
def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("before")

    def fail(_: Any) -> None:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        recommend_to_file(trained(), path, k=2, batch_size=50, progress=fail)
    assert [one.name for one in tmp_path.iterdir()] == ["r.jsonl"]
    assert path.read_text() == "before"


def test_wrong_arguments(tmp_path: Path) -> None:
    for function in (recommend_to_file, similar_to_file):
        with pytest.raises(ValueError, match=r"must end in one of .parquet, .csv, .jsonl. Received: '.*xlsx'"):
            function(trained(), tmp_path / "r.xlsx")
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        list(recommend_in_batches(trained(), batch_size=0))
    with pytest.raises(ValueError, match="`users` must be a non-empty list"):
        recommend_to_file(trained(), tmp_path / "r.csv", [])
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_knows_the_formats() -> None:
    assert answers.FORMATS == answer_files.FORMATS
    assert cli.main(["recommend", "nowhere", "--all-users", "--out", "r.xlsx"]) == 1
