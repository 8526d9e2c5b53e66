"""Recommendations among the items with a value in a column, against a search of the model among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from serving_cases import K, odd_model
from tiny import served, split, trained

from hyperml_tf.data import ItemTable
from hyperml_tf.serving import ServedModel, export_saved_model

SHELVES = ["a", "b|c", "c", "", "a|c", "č|a", "shelf1"]


@pytest.fixture(scope="module")
def items() -> ItemTable:
    ids = trained().candidate_tower.ids
    shelves = [SHELVES[row % len(SHELVES)] for row in range(len(ids))]
    return ItemTable(
        ids, {"shelf": shelves, "she": ["lf1"] * len(ids), "year": [str(1990 + row % 3) for row in range(len(ids))]}
    )


@pytest.fixture(scope="module")
def filtered(items: ItemTable, tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    path = tmp_path_factory.mktemp("where") / "1"
    columns = ["shelf", "she", "year"]
    return served(
        trained(),
        path,
        "serving_default",
        "similar_items",
        "recommend_where",
        k=K,
        details=items.columns,
        filter_columns=columns,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value"), [("shelf", "a"), ("shelf", "c"), ("shelf", "b|c"), ("shelf", "č"), ("year", 1991)]
)
def test_only_items_with_the_value(filtered: ServedModel, items: ItemTable, column: str, value: str | int) -> None:
    users = [*split().train.user_ids[:6].tolist(), "stranger"]
    got = filtered.recommend_where(users, column, value)
    expected = trained().recommend(users, K, include=items.where(f"{str(value)!r} in {column}"))
    assert got.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-5)
    assert got.details["shelf"].tolist() == items.beside(got.ids)["shelf"].tolist()


@pytest.mark.slow
def test_each_row_has_a_filter_of_its_own(filtered: ServedModel) -> None:
    user = split().train.user_ids[0]
    columns, values = ["shelf", "shelf", "shelf", "none", "", "shelf"], ["a", "shelf1", "nothing", "a", "a", ""]
    got = filtered.ask("recommend_where", user_id=[user] * 6, filter_column=columns, filter_value=values)
    assert got["item_id"][0].tolist() == filtered.recommend_where([user], "shelf", "a").ids[0].tolist()
    # Not those of the column `she` with the value `lf1`, although both make the same text.
    assert set(got["shelf"][1]) - {""} == {"shelf1"}
    assert got["item_id"][2:].tolist() == [[""] * K] * 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="`filter_value` must have one row for each of `user_id`"):
        filtered.ask("recommend_where", user_id=[user] * 2, filter_column=["shelf"] * 2, filter_value=["a"])


@pytest.mark.slow
def test_exports_without_columns_to_filter_by_do_not_have_it(tmp_path: Path) -> None:
    details = {"shelf": ["x", "y"]}
    served = ServedModel(export_saved_model(odd_model(["a", "b"]), tmp_path / "1", details=details))
    with pytest.raises(ValueError, match=r"`filter_columns` of the export, \[\]. Received: 'shelf'"):
        served.recommend_where(["a"], "shelf", "x")
    with pytest.raises(ValueError, match="`signature` must be one of"):
        served.ask("recommend_where", user_id=["a"])


def test_fewer_items_than_exported(filtered: ServedModel) -> None:
    users = split().train.user_ids[:2].tolist()
    every = filtered.recommend(users)
    for k in (1, K):
        few = filtered.recommend(users, k=k)
        assert few.ids.tolist() == every.ids[:, :k].tolist()
        assert few.details["shelf"].shape == few.distances.shape == (2, k)
    for ask in (
        filtered.recommend,
        filtered.similar_items,
        lambda users, k: filtered.recommend_where(users, "shelf", "a", k),
    ):
        with pytest.raises(ValueError, match=rf"`k` must be at most {K}, .* exported with. Received: k={K + 1}"):
            ask(users, k=K + 1)
    with pytest.raises(ValueError, match="`k` must be at least 1"):
        filtered.recommend(users, k=0)
