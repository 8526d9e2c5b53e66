"""`recommend`, `similar_items`, `predict`, `evaluate` and `evaluate_ranking`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny import fit, new_model, split, trained

from hyperml_tf.data import Interactions, sampled_negatives
from hyperml_tf.data.pipelines import raw_dataset
from hyperml_tf.metrics import ranking_report
from hyperml_tf.models import DistanceIndex, HyperML

IDS = np.array([5, -7, 10**12])


def all_distances(model: HyperML) -> np.ndarray:
    """`(users, items)` by calling the model on every pair."""
    users, items = model.query_tower.ids, model.candidate_tower.ids
    pairs = {"user_id": np.repeat(users, len(items)).tolist(), "item_id": np.tile(items, len(users)).tolist()}
    return model({name: tf.constant(ids) for name, ids in pairs.items()}).numpy().reshape(len(users), len(items))


def numbered() -> HyperML:
    model = HyperML(IDS, IDS, dim=2, history=0)
    for tower in (model.query_tower, model.candidate_tower):
        tower.embedding.embeddings.assign([[0.1, 0.0], [0.3, 0.0], [0.0, 0.8]])
    return model


def test_recommend_leaves_out_what_was_seen() -> None:
    model, train = trained(), split().train
    distances = all_distances(model).astype(np.float64)
    distances[train.users, train.items] = np.inf
    got = model.recommend(train.user_ids, k=8)
    np.testing.assert_allclose(got.distances, np.sort(distances, axis=1)[:, :8], rtol=1e-5)
    np.testing.assert_array_equal(got.ids, train.item_ids[np.argsort(distances, axis=1, kind="stable")[:, :8]])


def test_recommend_with_what_was_seen() -> None:
    model, train = trained(), split().train
    distances = all_distances(model)
    got = model.recommend(train.user_ids[:7].tolist(), k=8, exclude_seen=False)
    np.testing.assert_allclose(got.distances, np.sort(distances[:7], axis=1)[:, :8], rtol=1e-5)


@pytest.mark.slow
def test_an_index_answers_as_the_model() -> None:
    model, train = trained(), split().train
    index = DistanceIndex(model)
    assert len(index) == train.n_items
    users, items = ["stranger", *train.user_ids[:20]], train.item_ids[:9]
    for got, expected in (
        (index.recommend(users, 7), model.recommend(users, 7)),
        (index.recommend(users[:3], 2, exclude_seen=False), model.recommend(users[:3], 2, exclude_seen=False)),
        (index.similar_items(items, 5), model.similar_items(items, 5)),
    ):
        np.testing.assert_array_equal(got.ids, expected.ids)
        np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-6)
    with pytest.raises(ValueError, match=r"`k` must be at least 1. Received: k=0"):
        index.recommend(users, 0)
    with pytest.raises(ValueError, match=r"`items` must be of the catalogue"):
        index.similar_items(["nothing"])


def test_an_index_holds_the_items_as_they_were() -> None:
    model = numbered()
    index = DistanceIndex(model)
    before = index.similar_items([5], k=2)
    model.candidate_tower.embedding.embeddings.assign([[0.1, 0.0], [0.0, 0.9], [0.2, 0.0]])
    np.testing.assert_array_equal(index.similar_items([5], k=2).ids, before.ids)
    assert DistanceIndex(model).similar_items([5], k=2).ids.tolist() == [[10**12, -7]]


def test_unknown_users_get_the_neighbours_of_the_origin() -> None:
    model = trained()
    got = model.recommend(["stranger", split().train.user_ids[0]], k=5)
    radii = np.linalg.norm(model.candidate_tower.all_points(), axis=1)
    assert got.ids[0].tolist() == model.candidate_tower.ids[np.argsort(radii)[:5]].tolist()


def test_integer_ids() -> None:
    got = numbered().recommend(IDS.tolist(), k=10, exclude_seen=False)  # more than there are
    assert got.ids.dtype == np.int64
    assert got.ids.tolist() == [[5, -7, 10**12], [-7, 5, 10**12], [10**12, 5, -7]]
    assert (np.diff(got.distances, axis=1) > 0).all()


def test_an_integer_and_its_decimal_text_are_the_same_id() -> None:
    texts = numbered().recommend(["5", "007", str(2**70)], k=1, exclude_seen=False)
    assert texts.ids.tolist() == numbered().recommend([5, 404, 405], k=1, exclude_seen=False).ids.tolist()
    assert numbered().similar_items(["5"], k=1).ids.tolist() == numbered().similar_items([5], k=1).ids.tolist()
    with pytest.raises(ValueError, match=r"`items` must be of the catalogue. Received unknown ids: \['five'\]"):
        numbered().similar_items(["five"])
    words = HyperML(["1", "2"], ["3", "4"], dim=2, history=0)
    assert words.recommend([1], k=1).ids.tolist() == words.recommend(["1"], k=1).ids.tolist()


def test_a_user_who_has_seen_everything() -> None:
    model = numbered()
    model.set_seen(Interactions.from_arrays([5, 5, 5, -7], [5, -7, 10**12, 5]))
    got = model.recommend([5, -7, 404], k=2)
    assert got.ids.tolist() == [[-1, -1], [-7, 10**12], [5, -7]]
    assert np.isposinf(got.distances[0]).all()
    words = HyperML(["u"], ["a", "b"], dim=2)
    words.set_seen(Interactions.from_arrays(["u", "u", "v"], ["a", "b", "b"]))
    assert words.recommend(["u"]).ids.tolist() == [["", ""]]


@pytest.mark.slow
def test_many_users_are_searched_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    users = split().train.user_ids
    whole = trained().recommend(users, k=3)
    monkeypatch.setattr("hyperml_tf.models.metric_recommender._SCORES", 7 * split().train.n_items)
    blocks = trained().recommend(users, k=3)
    np.testing.assert_array_equal(whole.ids, blocks.ids)


@pytest.mark.parametrize("k", [0, -1])
def test_k_must_be_positive(k: int) -> None:
    with pytest.raises(ValueError, match=r"`k` must be at least 1. Received: k="):
        numbered().recommend([5], k=k)


def test_bad_users() -> None:
    for users in ([], [[5]], 5, [1.5], [None]):
        with pytest.raises(ValueError, match="`users` must be"):
            numbered().recommend(users)


def test_similar_items() -> None:
    got = numbered().similar_items([-7, 10**12], k=5)
    assert got.ids.tolist() == [[5, 10**12, -1], [5, -7, -1]]
    with pytest.raises(ValueError, match=r"`items` must be of the catalogue. Received unknown ids: \[404\]"):
        numbered().similar_items([5, 404])


@pytest.mark.slow
def test_predict_and_call_on_pairs() -> None:
    model, held_out = trained(), split().validation
    expected = all_distances(model)[held_out.users, held_out.items]
    np.testing.assert_allclose(model.predict(raw_dataset(held_out, 50, shuffle=False), verbose=0), expected, rtol=1e-6)
    pairs = {"user_id": held_out.user_ids[held_out.users], "item_id": held_out.item_ids[held_out.items]}
    arrays = {name: np.array(ids.tolist()) for name, ids in pairs.items()}
    np.testing.assert_allclose(model.predict(arrays, verbose=0), expected, rtol=1e-6)


@pytest.mark.slow
def test_evaluate() -> None:
    model, held_out = trained(), split().validation
    logs = model.evaluate(held_out, verbose=0, return_dict=True)
    exact = model.evaluate_ranking(held_out)
    assert logs["full_hr@10"] == pytest.approx(exact["full_hr@10"], abs=0.01)
    assert logs["full_ndcg@10"] == pytest.approx(exact["full_ndcg@10"], abs=0.01)
    values = model.evaluate(raw_dataset(held_out, 50), verbose=0)
    assert values[1:] == pytest.approx([logs["full_hr@10"], logs["full_ndcg@10"]])


@pytest.mark.slow
def test_rows_of_the_training_set_can_be_evaluated() -> None:
    model, train = trained(), split().train
    logs = model.evaluate(train, verbose=0, return_dict=True)
    assert all(np.isfinite(value) and value >= 0 for value in logs.values())
    assert logs["full_ndcg@10"] <= logs["full_hr@10"] <= 1


def test_evaluate_ranking_is_a_loop() -> None:
    model, parts = trained(), split()
    whole = Interactions.from_frame(parts.train.to_frame())  # the same pairs under other codes
    negatives = sampled_negatives(parts.train, parts.test.users, 20, seed=1)
    got = model.evaluate_ranking(parts.test, seen=parts.before_test, negatives=negatives, ks=(5, 10))
    measures = {"mrr", *(f"{name}@{k}" for name in ("hr", "ndcg") for k in (5, 10))}
    assert set(got) == {f"{protocol}_{name}" for protocol in ("full", "sampled20") for name in measures}
    # Whatever the vocabulary, what has been seen is what the model has seen.
    assert model.evaluate_ranking(parts.test) == model.evaluate_ranking(parts.test, seen=whole)
    model = served_with(parts.before_test)
    distances = all_distances(model).astype(np.float64)
    before = set(parts.before_test.keys().tolist())
    ranks: dict[str, list[int]] = {"full": [], "sampled20": []}
    for user, item, sampled in zip(parts.test.users, parts.test.items, negatives, strict=True):
        unseen = [i for i in range(parts.test.n_items) if user * parts.test.n_items + i not in before and i != item]
        ranks["full"].append(np.count_nonzero(distances[user, unseen] <= distances[user, item]))
        ranks["sampled20"].append(np.count_nonzero(distances[user, sampled] <= distances[user, item]))
    for protocol, values in ranks.items():
        for k in (5, 10):
            gains = [1 / np.log2(rank + 2) if rank < k else 0.0 for rank in values]
            assert got[f"{protocol}_hr@{k}"] == pytest.approx(np.mean(np.array(values) < k), abs=0.01)
            assert got[f"{protocol}_ndcg@{k}"] == pytest.approx(np.mean(gains), abs=0.01)


def served_with(rows: Interactions) -> HyperML:
    """The trained model with these histories."""
    model = new_model()
    model.set_weights(trained().get_weights())
    model.set_seen(rows)
    return model


def test_users_are_where_their_histories_put_them() -> None:
    """The model need not have seen the rows that a user is known by, and has not seen them afterwards."""
    model, parts = trained(), split()
    before, weights = parts.before_test, [values.copy() for values in model.get_weights()]
    got = model.evaluate_ranking(parts.test, seen=before)
    served = served_with(before)
    assert got == served.evaluate_ranking(parts.test)
    assert got != model.evaluate_ranking(parts.test)
    older = model.evaluate_ranking(parts.test, seen=before, histories=parts.train)
    assert older != got
    assert older == ranking_report(model.scorer(), parts.test.users, parts.test.items, before.csr(), batch_size=4096)
    np.testing.assert_allclose(model.scorer(before)(np.arange(4)), served.scorer()(np.arange(4)), rtol=1e-12)
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_without_histories_of_its_own_can_be_evaluated_with_some() -> None:
    parts = split()
    empty = new_model()
    report = empty.evaluate_ranking(parts.test, seen=parts.before_test)
    assert 0 < report["full_mrr"] < 1
    assert len(empty.seen) == 0
    for arguments in ({}, {"seen": parts.train.with_rows(np.zeros(len(parts.train), bool))}):
        with pytest.raises(ValueError, match="it has seen nothing"):
            empty.evaluate_ranking(parts.test, **arguments)


def test_negatives_need_the_codes_of_the_model() -> None:
    model, parts = trained(), split()
    frame = parts.test.to_frame().iloc[::-1]
    other = Interactions.from_frame(frame)
    with pytest.raises(
        ValueError, match="`held_out` must have the vocabularies of the model when `negatives` are given"
    ):
        model.evaluate_ranking(other, negatives=np.zeros((len(other), 3), int))
    assert model.evaluate_ranking(other) == pytest.approx(model.evaluate_ranking(parts.test), abs=1e-6)


def test_scorer_ranks_as_distances_do() -> None:
    model = trained()
    score = model.scorer()
    scores = score(np.arange(4))
    assert scores.dtype == tf.float64
    order = np.argsort(-scores.numpy(), axis=1, kind="stable")
    np.testing.assert_array_equal(order, np.argsort(all_distances(model)[:4], axis=1, kind="stable"))
    report = ranking_report(score, split().test.users, split().test.items, split().train.csr())
    assert report == model.evaluate_ranking(split().test)


@pytest.mark.slow
def test_set_seen_reaches_training_and_recommendations() -> None:
    model = new_model(run_eagerly=True)
    fit(model)
    user = split().train.user_ids[0]
    assert len(model.seen) == len(split().train)
    more = Interactions.from_arrays([user, user, "other"], [*split().train.item_ids[:2], "unknown item"])
    model.set_seen(more)
    assert len(model.seen) == 2  # rows of unknown ids are ignored
    got = model.recommend([user], k=len(split().train.item_ids))
    assert not set(split().train.item_ids[:2]) & set(got.ids[0])
    assert np.isposinf(got.distances[0]).sum() == 2
    model.fit(raw_dataset(split().train, 256), verbose=0)
    assert len(model.seen) == 2  # a dataset does not replace what the model was told
