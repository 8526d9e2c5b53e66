"""What is said of a model beside its means: single users, lists, and another model on the same rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tiny

from hyperml_tf import TrainingConfig
from hyperml_tf.data import Interactions, ItemTable, k_folds
from hyperml_tf.metrics.user_metrics import METRICS
from hyperml_tf.runs import Evaluation, cross_validate, fitting
from hyperml_tf.runs.held_out import HeldOut

LAST = tiny.split().before_test.append(tiny.split().test)


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    return HeldOut.of(LAST, tiny.split(), "last")


@pytest.fixture(scope="module")
def evaluation(held_out: HeldOut) -> Evaluation:
    items = ItemTable(LAST.item_ids, {"title": [f"T{one}" for one in LAST.item_ids], "kind": ["a|b"] * LAST.n_items})
    return Evaluation(tiny.trained(), held_out, items=items)


def test_single_users_have_the_ranks_and_the_means_of_the_report(evaluation: Evaluation) -> None:
    frame = evaluation.per_user(ks=(3,), metrics=["ndcg", "mrr"])
    assert frame["title"].tolist() == [f"T{item}" for item in frame["item"]]
    assert (LAST.codes_of(frame["user"]) == evaluation.held_out.split.test.users).all()
    means = evaluation.metrics(ks=(3,), metrics=["ndcg", "mrr"])["test"]
    assert {name: frame[name].mean() for name in means} == pytest.approx(means)
    hits = frame["full_rank"] <= 3
    assert frame.loc[hits, "full_mrr@3"].tolist() == pytest.approx((1 / frame.loc[hits, "full_rank"]).tolist())
    assert not frame.loc[~hits, "full_mrr@3"].any()


def test_lists_are_those_that_users_get(evaluation: Evaluation) -> None:
    lists = evaluation.lists(ks=(2, 5))
    split, model = evaluation.held_out.split, evaluation.model
    with model.seen.replaced(split.before_test):
        ids = model.recommend(LAST.user_ids[split.users], k=5).ids
    assert lists["model"]["coverage@5"] == len(np.unique(ids)) / LAST.n_items
    assert lists["model"]["coverage@2"] == len(np.unique(ids[:, :2])) / LAST.n_items
    assert lists["model"]["distinct_categories@2"] == 0.5
    assert lists["popularity"]["coverage@5"] < lists["model"]["coverage@5"]
    assert lists["popularity"]["gini@5"] > lists["model"]["gini@5"]
    assert lists["popularity"]["popularity_lift@5"] > lists["model"]["popularity_lift@5"]
    assert evaluation.metrics(ks=(2,), metrics=["novelty"]) == {
        "lists": {name: {"novelty@2": values["novelty@2"]} for name, values in lists.items()}
    }


def test_a_trained_model_is_better_than_a_new_one_and_not_than_itself(evaluation: Evaluation) -> None:
    other = Evaluation(tiny.new_model(), evaluation.held_out)
    found = evaluation.compare(other, ks=(10,), metrics=["hr", "ndcg"])
    assert [one.metric for one in found.differences][:2] == ["full_hr@10", "full_ndcg@10"]
    assert all(one.is_significant and one.difference > 0 for one in found.differences[2:])
    assert "The first run is better in" in found.meaning()
    same = evaluation.compare(Evaluation(evaluation.model, evaluation.held_out), ks=(10,), metrics=["hr"])
    assert same.to_dict()["differences"][0]["p_holm"] == 1.0
    assert same.meaning().startswith("No metric differs by more than chance explains (2 comparisons over 120 users")


def test_other_rows_are_not_compared(evaluation: Evaluation) -> None:
    split = evaluation.held_out.split
    other = dataclasses.replace(evaluation.held_out, split=dataclasses.replace(split, test=split.validation))
    with pytest.raises(ValueError, match=r"the same held-out rows.*Received: other test rows"):
        evaluation.compare(Evaluation(evaluation.model, other))
    drawn = HeldOut.of(LAST, split, "last", seed=1)
    with pytest.raises(ValueError, match="Received: other sampled negatives"):
        evaluation.compare(Evaluation(evaluation.model, drawn))


def test_several_test_items_have_recall_and_map_too_and_are_stored(tmp_path: Path) -> None:
    times = np.concatenate([np.arange(count) for count in LAST.activity()])
    table = dataclasses.replace(LAST, times=times)
    held_out = HeldOut.draw(table, "time:10")
    assert held_out.negatives.shape == (120, 100)
    held_out.save(tmp_path / "held_out.npz", "f")
    stored = HeldOut.load(tmp_path / "held_out.npz", table, "f")
    evaluation = Evaluation(tiny.trained(), stored)
    found = evaluation.metrics()
    assert {"full_recall@10", "full_map@5", "full_mrr"} < set(found["test"])
    assert "full_recall@10" not in found["validation"]
    frame = evaluation.per_user(ks=(10,), metrics=METRICS)
    assert len(frame) == len(held_out.split.test) > frame["user"].nunique()
    of_users = frame.groupby("user")
    assert (of_users["full_recall@10"].nunique() == 1).all()
    share = of_users["full_rank"].apply(lambda ranks: np.mean(ranks <= 10))
    assert share.mean() == pytest.approx(found["test"]["full_recall@10"])


def test_cross_validation_trains_on_each_split_and_writes_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Interactions] = []
    monkeypatch.setattr(fitting, "fit", lambda model, training, *_: trained.append(training))
    table = tiny.split().before_test
    config = TrainingConfig(dim=4, epochs=1, user_model="free", seed=3)
    found = cross_validate(table, 2, config, out=tmp_path / "folds.json")
    assert [len(fold["test"]) for fold in found.folds] == [26, 26]
    values = [fold["test"]["sampled100_recall@20"] for fold in found.folds]
    summary = found.summary()["sampled100_recall@20"]
    assert summary["mean"] == pytest.approx(np.mean(values))
    # The quantile of Student's t with one degree of freedom.
    assert summary["high"] - summary["mean"] == pytest.approx(12.7062 * summary["std"] / 2**0.5, rel=1e-4)
    assert '"summary"' in (tmp_path / "folds.json").read_text()
    expected = [split.train.keys() for split in k_folds(table, 2, seed=3)]
    for rows, keys in zip(trained, expected, strict=True):
        np.testing.assert_array_equal(rows.keys(), keys)


def test_fewer_than_two_folds() -> None:
    table = Interactions.from_arrays(["a", "a", "b"], [1, 2, 3])
    with pytest.raises(ValueError, match=r"`folds` must be at least 2\. Received: folds=1"):
        next(k_folds(table, 1))
