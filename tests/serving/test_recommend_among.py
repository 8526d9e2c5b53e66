"""The signature `recommend_among` and the filters of `ServedModel.recommend`, against those of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving_cases import K
from tiny import exporting, split, trained
from tiny import served as served_with

from hyperml_tf.models import HyperML
from hyperml_tf.serving import ServedModel, export_saved_model


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("among") / "1"
    with exporting("serving_default", "recommend_excluding", "recommend_among"):
        return export_saved_model(trained(), path, k=K, precision="float16")


@pytest.fixture(scope="module")
def exports(rich: Path, half: Path) -> dict[str, ServedModel]:
    """Exports that leave out seen items. They gather up to nine candidates, and search the 150 items for more."""
    return {"float32": ServedModel(rich), "float16": ServedModel(half)}


@pytest.fixture(params=["float32", "float16"])
def serving(request: pytest.FixtureRequest, exports: dict[str, ServedModel]) -> ServedModel:
    return exports[request.param]


def lists(size: int, rows: int) -> list[list[str]]:
    rng, items = np.random.default_rng(size), split().train.item_ids
    return [rng.choice(items, min(size, len(items)), replace=False).tolist() for _ in range(rows)]


@pytest.mark.parametrize("size", [0, 1, 6, 60, 400])
def test_answers_are_those_of_the_model(serving: ServedModel, users: list[str], size: int) -> None:
    """With unknown, repeated and empty ids, before and after those that are known."""
    candidates = [["", *row, "unknown", *row[:1]] for row in lists(size, len(users))]
    got, expected = serving.recommend_among(users, candidates), trained().recommend(users, K, include=candidates)
    assert got.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(got.distances, expected.distances, rtol=2e-4, atol=2e-4)
    assert (np.isinf(got.distances) == (got.ids == "")).all()


def test_filters_of_the_client(serving: ServedModel, users: list[str]) -> None:
    some, others = lists(40, len(users)), lists(50, len(users))
    given: list[dict[str, Any]] = [
        {"include": some[0], "exclude": others},
        {"include": some, "exclude": others[0]},
        {"include": some[1]},
        {"exclude": others[1]},
        {"include": [], "exclude": []},
        {"include": some[0], "exclude": some[0]},
    ]
    for filters in given:
        got, expected = serving.recommend(users, **filters), trained().recommend(users, K, **filters)
        assert got.ids.tolist() == expected.ids.tolist(), filters
    assert serving.recommend(users, exclude=[]).ids.tolist() == serving.recommend(users).ids.tolist()


@pytest.mark.parametrize("name", ["include", "exclude"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([["a"]], "must be a list of ids, or such a list for each of 2 users. Received: 1 lists"),
        ("a", "must be a list of ids, or of such lists. Received: 'a'"),
        ([["a"], "b"], "must be a list of ids, or of such lists. Received: 'b'"),
        ([1.5], "must hold ids, strings or integers. Received: 1.5"),
    ],
)
def test_what_is_no_filter(loaded: ServedModel, name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` {message}"):
        loaded.recommend(["u", "v"], **{name: value})


def test_seen_items_are_candidates_unless_the_export_leaves_them_out(loaded: ServedModel, serving: ServedModel) -> None:
    train = split().train
    user, seen = train.user_ids[0], train.item_ids[train.items[train.users == 0]].tolist()[:5]
    assert sorted(loaded.recommend_among([user], [seen]).ids[0].tolist()[:5]) == sorted(seen)
    assert serving.recommend_among([user], [seen]).ids.tolist() == [[""] * K]


@pytest.mark.slow
def test_ties_and_integer_ids(tmp_path: Path) -> None:
    model = HyperML([1], [30, 10, 20, 40], dim=2, history=0)
    model.candidate_tower.embedding.embeddings.assign(np.zeros((4, 2)))
    served = served_with(model, tmp_path / "1", "serving_default", "recommend_among")
    assert served.recommend([1], include=[20, 10, 99, 30, 20]).ids.tolist() == [["30", "10", "20", ""]]
