"""The held-out rows of a run."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from hyperml_tf.data import Interactions, leave_one_out
from hyperml_tf.metrics.protocols import Scorer
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.runs.held_out import HeldOut, MakeScorer


def popularity(rows: Interactions) -> MakeScorer:
    model = Popularity.from_interactions(rows)
    model.fit(rows)
    return model.scorer


def table(n_items: int = 9, *, greedy: int = 0) -> Interactions:
    """Users with three to six of `n_items` items, then some who touched every item."""
    rng = np.random.default_rng(0)
    rows = [(f"u{u}", int(item)) for u in range(12) for item in rng.permutation(n_items)[: rng.integers(3, 7)]]
    rows += [(f"greedy{u}", item) for u in range(greedy) for item in range(n_items)]
    users, items = zip(*rows, strict=True)
    return Interactions.from_arrays(users, items)


def test_negatives_are_items_their_user_never_touched() -> None:
    data = table()
    held_out = HeldOut.draw(data, "random", seed=3)
    assert held_out.negatives.shape == (12, 100)
    touched = set(data.keys().tolist())
    keys = held_out.split.users[:, None] * data.n_items + held_out.negatives
    assert not touched & set(keys[held_out.negatives >= 0].tolist())


@pytest.mark.parametrize("order", ["last", "random"])
def test_a_user_who_touched_every_item_only_trains(order: str, caplog: pytest.LogCaptureFixture) -> None:
    data = table(greedy=2)
    with caplog.at_level(logging.INFO):
        held_out = HeldOut.draw(data, order, seed=0)
    assert "2 users" in caplog.text
    split = held_out.split
    greedy = data.codes_of(["greedy0", "greedy1"])
    assert not set(greedy) & set(split.users)
    assert (split.train.activity()[greedy] == data.n_items).all()
    np.testing.assert_array_equal(split.validation.users, split.test.users)
    parts = [part.keys() for part in (split.train, split.validation, split.test)]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), data.keys())
    # The others are held out as they would be without them.
    test = leave_one_out(data, order, 0).test
    np.testing.assert_array_equal(split.test.keys(), test.with_rows(~np.isin(test.users, greedy)).keys())
    assert set(held_out.report(popularity(split.train))) == {"validation", "test"}


def test_only_users_who_touched_every_item() -> None:
    data = Interactions.from_arrays(np.repeat([0, 1], 4), np.tile(np.arange(4), 2))
    with pytest.raises(ValueError, match="never interacted with"):
        HeldOut.draw(data, "last")


def test_saved_and_loaded(tmp_path: Path) -> None:
    data = table()
    held_out = HeldOut.draw(data, "last")
    held_out.save(tmp_path / "held_out.npz", data.fingerprint())
    loaded = HeldOut.load(tmp_path / "held_out.npz", data, data.fingerprint())
    scorer = popularity(held_out.split.train)
    assert loaded.report(scorer) == held_out.report(scorer)
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(loaded.split, name).keys(), getattr(held_out.split, name).keys())


def test_a_test_item_competes_with_what_is_outside_training_and_validation() -> None:
    """A model that ranks a user's training rows first, then validation, then test, is perfect under both protocols."""
    data = table(30)
    held_out = HeldOut.draw(data, "random")
    scores = np.zeros((data.n_users, data.n_items))
    for score, rows in ((3, held_out.split.train), (2, held_out.split.validation), (1, held_out.split.test)):
        scores[rows.users, rows.items] = score
    report = held_out.report(lambda known: lambda users: scores[users])
    assert all(value == 1.0 for part in report.values() for value in part.values())
    scores[held_out.split.test.users, held_out.split.test.items] = 2.5  # now in front of the validation item
    report = held_out.report(lambda known: lambda users: scores[users])
    assert report["validation"]["full_ndcg@10"] == pytest.approx(1 / np.log2(3))
    assert report["validation"]["full_mrr"] == 0.5
    assert report["test"]["full_ndcg@10"] == 1.0


@pytest.mark.parametrize("order", ["last", "random"])
def test_everything_before_the_held_out_item_is_known(order: str) -> None:
    """A model that recommends what follows the newest item it knows of a user, in the order of the table."""
    data = table(30)
    held_out = HeldOut.draw(data, order, seed=1)
    split = held_out.split
    follower = {part: dict(zip(rows.users, rows.items, strict=True)) for part, rows in vars(split).items()}
    following = {(user, follower["train"][user]): follower["validation"][user] for user in split.users.tolist()} | {
        (user, follower["validation"][user]): follower["test"][user] for user in split.users.tolist()
    }
    histories: list[Interactions] = []

    def scorer(known: Interactions) -> Scorer:
        histories.append(known)
        newest = dict(zip(known.users.tolist(), known.items.tolist(), strict=True))
        return lambda users: np.array(
            [np.arange(data.n_items) == following.get((user, newest[user]), -1) for user in users.tolist()], float
        )

    report = held_out.report(scorer)
    assert report["validation"]["full_mrr"] == report["test"]["full_mrr"] == 1.0
    assert [known.keys().tolist() for known in histories] == [
        split.train.keys().tolist(),
        split.before_test.keys().tolist(),
    ]
    # The older protocol: in the test the newest known item is that of the training rows, which the validation item follows.
    report = held_out.report(scorer, test_history="train")
    assert report["validation"]["full_mrr"] == 1.0
    assert report["test"]["full_hr@5"] == 0.0


def test_a_history_that_there_is_not() -> None:
    with pytest.raises(ValueError, match=r"`test_history` must be one of .*Received: test_history='all'"):
        HeldOut.draw(table(), "last").report(popularity(table()), "all")
