"""`recommend` with `include` and `exclude`, against a sort of the whole catalogue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny import split, trained

from hyperml_tf.models import DistanceIndex, HyperML, MetricRecommender, Recommender
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.retrieval import among

K = 8


@pytest.fixture(scope="module")
def popular() -> Popularity:
    """A model that ranks by score."""
    train = split().train
    model = Popularity(train.user_ids, train.item_ids)
    model.set_seen(train)
    return model


@pytest.fixture(scope="module")
def users() -> list[str]:
    return [*split().train.user_ids[:5].tolist(), "stranger"]


def lists(seed: int, size: int) -> list[list[str]]:
    """Lists of different lengths for six users, with an unknown and a repeated id, and an empty one."""
    rng, items = np.random.default_rng(seed), split().train.item_ids
    rows = [rng.choice(items, size + row, replace=False).tolist() for row in range(5)]
    return [[*row, "unknown", row[0]] for row in rows] + [[]]


def filtered(model: Recommender, users: list[str], exclude_seen: bool, include: Any, exclude: Any) -> list[list[str]]:
    """The answers of a full search, filtered afterwards."""
    everything = model.recommend(users, k=10**6, exclude_seen=exclude_seen)
    values = everything[1]
    rows = []
    for place, ids in enumerate(everything.ids.tolist()):
        wanted, unwanted = (
            None if given is None else set(given if not given or isinstance(given[0], str) else given[place])
            for given in (include, exclude)
        )
        left = [one for one, value in zip(ids, values[place], strict=True) if np.isfinite(value)]
        left = [one for one in left if (wanted is None or one in wanted) and one not in (unwanted or ())][:K]
        rows.append([*left, *[""] * (K - len(left))])
    return rows


CASES = {
    "include": {"include": lists(0, 20)},
    "few": {"include": lists(1, 2)},
    "exclude": {"exclude": lists(2, 30)},
    "both": {"include": lists(3, 40), "exclude": lists(4, 50)},
    "shared": {"include": lists(5, 40)[0], "exclude": lists(6, 30)[1]},
    "shared and rows": {"include": lists(7, 40)[0], "exclude": lists(8, 30)},
    "nothing known": {"include": ["unknown", ""]},
    "nothing": {"include": []},
    "nothing left": {"include": lists(9, 9)[0], "exclude": lists(9, 9)[0]},
    "without effect": {"exclude": ["unknown"]},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("exclude_seen", "ratio"), [(True, 0), (True, 1000), (False, 0)])
def test_by_distance(
    monkeypatch: pytest.MonkeyPatch, users: list[str], case: str, exclude_seen: bool, ratio: int
) -> None:
    """Whether candidates are gathered or found among all."""
    monkeypatch.setattr(among, "_ROWS_PER_CANDIDATE", ratio)
    got = trained().recommend(users, K, exclude_seen, **CASES[case])
    given = {"include": None, "exclude": None, **CASES[case]}
    assert got.ids.tolist() == filtered(trained(), users, exclude_seen, **given)
    assert (np.isinf(got.distances) == (got.ids == "")).all()
    whole = trained().recommend(users, 10**6, exclude_seen)
    for row, ids in enumerate(got.ids.tolist()):
        known = dict(zip(whole.ids[row], whole.distances[row], strict=True))
        expected = [known[one] for one in ids if one]
        np.testing.assert_allclose(got.distances[row, : len(expected)], expected, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_by_score(popular: Popularity, users: list[str], case: str, exclude_seen: bool) -> None:
    """Scores of popularity are full of ties."""
    got = popular.recommend(users, K, exclude_seen, **CASES[case])
    given = {"include": None, "exclude": None, **CASES[case]}
    assert got.ids.tolist() == filtered(popular, users, exclude_seen, **given)
    assert (np.isneginf(got.scores) == (got.ids == "")).all()


def test_an_index_answers_as_its_model(users: list[str]) -> None:
    index = DistanceIndex(trained())
    for given in (CASES["both"], CASES["exclude"]):
        assert index.recommend(users, K, **given).ids.tolist() == trained().recommend(users, K, **given).ids.tolist()


def test_blocks_of_users_take_their_own_rows(monkeypatch: pytest.MonkeyPatch, users: list[str]) -> None:
    given = [CASES["both"], CASES["shared and rows"]]
    expected = [trained().recommend(users, K, **filters).ids.tolist() for filters in given]
    monkeypatch.setattr("hyperml_tf.models.metric_recommender._SCORES", 4 * len(trained().candidate_lookup))
    assert [trained().recommend(users, K, **filters).ids.tolist() for filters in given] == expected


def matrix(rows: list[list[str]]) -> np.ndarray:
    longest = max(map(len, rows))
    return np.array([[*row, *[""] * (longest - len(row))] for row in rows])


@pytest.mark.parametrize("form", [tuple, matrix, tf.ragged.constant, lambda rows: [np.array(row) for row in rows]])
def test_forms_of_lists(users: list[str], form: Any) -> None:
    rows = lists(3, 40)[:5]
    expected = trained().recommend(users[:5], K, include=rows).ids.tolist()
    made = form(rows)
    assert trained().recommend(users[:5], K, include=made).ids.tolist() == expected


def test_integer_ids_are_padded_with_minus_one() -> None:
    model = HyperML([10, 20], [1, 2, 3, 4], dim=2, history=0)
    got = model.recommend([10, 20], k=3, include=np.array([[2, 3], [4, -1]]), exclude=[2, 7])
    assert got.ids.tolist() == [[3, -1, -1], [4, -1, -1]]
    assert model.recommend([20], k=3, include=np.array([3])).ids.tolist() == [[3, -1, -1]]
    assert model.recommend([10, 20], k=2, include=[]).ids.tolist() == [[-1, -1]] * 2
    assert model.recommend([10, 20], k=2, include=[[], []]).ids.tolist() == [[-1, -1]] * 2


@pytest.mark.parametrize("name", ["include", "exclude"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("item_1", "must be a list of ids, or such a list for each user. Received: 'item_1'"),
        (3, "must be a list of ids, or such a list for each user. Received: 3"),
        ([["a"], "b"], "must be a list of ids, or such a list for each user. Received: both, as 'b'"),
        ([["a"]], "must be a list of ids, or such a list for each of 2 users. Received: 1 lists"),
        ([1, 2], "must hold strings, as the ids of the items are. Received: 1"),
        ([1.5], "must be all strings or all integers. Received: dtype float64"),
        ([None], "must be all strings or all integers"),
        ([[["a"]], [["b"]]], "must be"),
        (np.array("a"), "must be a list of ids"),
    ],
)
def test_what_is_no_filter(popular: Popularity, name: str, value: Any, message: str) -> None:
    models: list[MetricRecommender | Recommender] = [trained(), popular]
    for model in models:
        with pytest.raises(ValueError, match=f"`{name}` {message}"):
            model.recommend(["u", "v"], **{name: value})
