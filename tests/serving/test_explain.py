"""Why an item is recommended: what leaving out an item of the history changes, in models and in exports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tiny import new_model, split, trained
from tiny import served as served_with

from hyperml_tf.data import Interactions, ItemTable
from hyperml_tf.geometry import poincare
from hyperml_tf.models import HyperML, SequenceTower, explanations

USERS, ITEMS = slice(3, 7), slice(20, 24)


def sequence_model() -> HyperML:
    """A model with an encoder of random weights."""
    return new_model(user_model="sequence", loss="softmax", history=4, encoding={"length": 6, "blocks": 1, "heads": 2})


def leads(model: HyperML, users: list[str], items: list[str]) -> np.ndarray:
    """How much nearer items are to users than the origin is."""
    points, targets = model.query_tower(users), model.candidate_tower(items)
    origin = tf.zeros_like(points)
    return (
        poincare.distance(points, origin, model.curvature()) - poincare.distance(points, targets, model.curvature())
    ).numpy()


def leads_without(model: HyperML, user: str, item: str, left_out: str) -> float:
    """The lead of an item in a model that has never seen the user with another item."""
    train = split().train
    code, other = (
        int(np.flatnonzero(ids == one)[0]) for ids, one in ((train.user_ids, user), (train.item_ids, left_out))
    )
    kept = ~((train.users == code) & (train.items == other))
    with model.seen.replaced(train.with_rows(kept)):
        return float(leads(model, [user], [item])[0])


@pytest.fixture(scope="module", params=["history", "unordered", "sequence"])
def model(request: pytest.FixtureRequest) -> HyperML:
    if request.param == "history":
        return trained()
    if request.param == "sequence":
        made = sequence_model()
        assert isinstance(made.query_tower, SequenceTower)
    else:
        made = new_model(history={"half_life": None, "recent_weight": 0.0})
    made.set_seen(split().train)
    rng = np.random.default_rng(0)
    for vectors in (made.query_tower.context, made.query_tower.embedding.embeddings):
        vectors.assign(rng.normal(size=vectors.shape))
    return made


@pytest.mark.slow
def test_leaving_out_an_item_changes_the_lead_by_its_pull(model: HyperML) -> None:
    users, items = model.query_tower.ids[USERS].tolist(), model.candidate_tower.ids[ITEMS].tolist()
    why, whole = model.explain(users, items), leads(model, users, items)
    for row, (user, item) in enumerate(zip(users, items, strict=True)):
        history = [one for one in why.ids[row] if one]
        for place in (0, len(history) // 2, len(history) - 1):
            without = leads_without(model, user, item, history[place])
            np.testing.assert_allclose(why.pulls[row, place], whole[row] - without, atol=2e-5)


def test_shares_are_those_of_the_positive_pulls(model: HyperML) -> None:
    train = split().train
    users, items = model.query_tower.ids[:30].tolist(), model.candidate_tower.ids[:30].tolist()
    why = model.explain(users, items)
    for row, ids in enumerate(why.ids):
        assert sorted(one for one in ids if one) == sorted(train.item_ids[train.items[train.users == row]])
    np.testing.assert_allclose(why.shares.sum(axis=1), 1.0, rtol=1e-5)
    positive = np.maximum(why.pulls, 0)
    np.testing.assert_allclose(why.shares, positive / positive.sum(axis=1, keepdims=True), rtol=1e-5, atol=1e-7)
    pulls = np.where(why.ids == "", -np.inf, why.pulls)
    assert (pulls[:, 1:] <= pulls[:, :-1]).all()
    np.testing.assert_allclose(
        why.distances, model({"user_id": np.array(users), "item_id": np.array(items)}), rtol=1e-5
    )


@pytest.mark.slow
def test_an_export_gives_the_reasons_of_its_model(model: HyperML, tmp_path: Path) -> None:
    """Offsets are not in it: what is not of the items is found from the point of the user."""
    ids = model.candidate_tower.ids
    users, items = [*model.query_tower.ids[USERS].tolist(), "stranger"], [*ids[ITEMS].tolist(), ids[0]]
    details = {"title": [f"Title of {item}" for item in ids]}
    served = served_with(model, tmp_path / "1", "explain", k=5, details=details, half_life=9.0)
    got, expected = served.explain(users, items), model.explain(users, items)
    # Some points are near the boundary, where float32 has few digits of a distance left.
    np.testing.assert_allclose(got.pulls, expected.pulls[:, :5], atol=1e-4)
    # Shares are pulls over their sum, which may be small itself.
    total = np.maximum(expected.pulls, 0).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(total * got.shares, total * expected.shares[:, :5], atol=5e-4)
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-4)
    assert (got.ids == expected.ids[:, :5]).mean() > 0.9  # equal pulls may change places
    assert got.details["title"].tolist() == [[f"Title of {item}" if item else "" for item in row] for row in got.ids]
    unknown = served.explain(users[:1], ["unknown"])
    assert (unknown.ids.tolist(), unknown.shares.tolist(), unknown.distances.tolist()) == (
        [[""] * 5],
        [[0.0] * 5],
        [np.inf],
    )


def test_users_without_a_history(served: Path) -> None:
    """Free users have distances only; unknown users are at the origin."""
    free = new_model(history=0)
    free.set_seen(split().train)
    user, item = free.query_tower.ids[0], free.candidate_tower.ids[0]
    why = free.explain([user], [item])
    assert why.ids.shape == why.shares.shape == why.pulls.shape == (1, 0)
    assert why.distances == free.call({"user_id": tf.constant([user]), "item_id": tf.constant([item])}).numpy()
    stranger = trained().explain([user, "stranger"], [item, item])
    assert (stranger.ids[1] == "").all()
    assert stranger.shares[1].sum() == stranger.pulls[1].sum() == 0


def test_the_newest_items_of_a_long_history_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    user, item = trained().query_tower.ids[3], trained().candidate_tower.ids[0]
    every = trained().explain([user], [item])
    monkeypatch.setattr(explanations, "MOST", 4)
    some = trained().explain([user], [item])
    assert set(some.ids[0]) == set(trained().candidate_tower.ids[trained().seen.items[trained().seen.users == 3][-4:]])
    pulls = dict(zip(every.ids[0], every.pulls[0], strict=True))
    np.testing.assert_allclose(some.pulls[0], [pulls[one] for one in some.ids[0]], atol=1e-6)


def test_pairs_of_one_user_are_explained_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share the points without each item of the history, wherever they are among the pairs."""
    model = trained()
    monkeypatch.setattr(type(model.query_tower), "block", 150)  # a few pairs at a time
    users, items = model.query_tower.ids[[5, 2, 5, 9, 2, 5]].tolist(), model.candidate_tower.ids[:6].tolist()
    together = model.explain(users, items)
    for row, (user, item) in enumerate(zip(users, items, strict=True)):
        alone = model.explain([user], [item])
        history = [one for one in together.ids[row] if one]
        assert history == [one for one in alone.ids[0] if one]
        np.testing.assert_allclose(together.pulls[row, : len(history)], alone.pulls[0, : len(history)], atol=1e-5)
        np.testing.assert_allclose(together.distances[row], alone.distances[0], rtol=1e-6)


def test_titles_beside_reasons() -> None:
    ids = trained().candidate_tower.ids
    why = trained().explain([trained().query_tower.ids[0]], [ids[0]])
    described = ItemTable(ids, {"title": [f"Title of {item}" for item in ids]}).describe(why)
    assert described.details["title"][0, 0] == f"Title of {why.ids[0, 0]}"


def test_wrong_pairs() -> None:
    user, item = trained().query_tower.ids[0], trained().candidate_tower.ids[0]
    with pytest.raises(ValueError, match=r"`items` must be one for each of `users`. Received: 2 items, 1 users"):
        trained().explain([user], [item, item])
    with pytest.raises(ValueError, match=r"`items` must be of the catalogue. Received unknown ids: \['x'\]"):
        trained().explain([user], ["x"])


def test_ids_may_be_text_where_those_of_the_model_are_integers() -> None:
    table = Interactions.from_arrays([1, 1, 1, 2, 2, 3, 3], [7, 8, 9, 8, 9, 7, 9])
    model = HyperML.from_interactions(table, dim=4)
    model.set_seen(table)
    text, numbers = model.explain(["1", "2"], ["7", "9"]), model.explain([1, 2], [7, 9])
    assert numbers.shares[0, 0] > 0
    for one, other in zip(text, numbers, strict=True):
        np.testing.assert_array_equal(one, other)
