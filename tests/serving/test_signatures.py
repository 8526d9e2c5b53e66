"""Signatures for users and programs that the model itself does not serve: histories, similar items, vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from serving_cases import ODD_IDS, K, odd_model
from tiny import DIM, new_model, split, trained
from tiny import served as served_with

from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.models import HyperML
from hyperml_tf.retrieval.exclusions import exclude_pairs
from hyperml_tf.serving import ServedModel


def nearest(query: tf.Tensor, without: list[str]) -> tuple[list[str], np.ndarray]:
    """Items by distance from a point, from a full sort."""
    ids = trained().candidate_tower.ids
    points = trained().candidate_tower.all_points()
    distances = poincare.distance(query[tf.newaxis], points, trained().curvature()).numpy()
    order = [row for row in np.argsort(distances, kind="stable") if ids[row] not in without][:K]
    return ids[order].tolist(), distances[order]


def histories() -> list[list[str]]:
    train = split().train
    return [train.item_ids[train.items[train.users == user]].tolist() for user in range(6)]


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> HyperML:
    """The trained items, with users that are free points."""
    model = new_model(history=0)
    model.candidate_tower.set_weights(trained().candidate_tower.get_weights())
    return model


@pytest.mark.slow
@pytest.mark.parametrize("half_life", [None, float("inf")])
def test_a_new_user_is_placed_like_a_trained_one_without_an_offset(
    loaded: ServedModel, rich: Path, half_life: float | None
) -> None:
    served = loaded if half_life is None else ServedModel(rich)
    got, tower = served.recommend_from_items(histories()), trained().query_tower
    for row, history in enumerate(histories()):
        weights = 0.5 ** (np.arange(len(history))[::-1] / (half_life or tower.history.half_life))
        vectors = tower.context.numpy()[trained().candidate_lookup(np.array(history)).numpy()]
        pull = tower.history.weight * np.sqrt(min(len(history), tower.history.length))
        point = poincare.expmap0(pull * np.average(vectors, axis=0, weights=weights), trained().curvature())
        ids, distances = nearest(tf.cast(point, tf.float32), without=history)
        assert got.ids[row].tolist() == ids
        np.testing.assert_allclose(got.distances[row], distances, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("half_life", [None, float("inf")])
def test_among_free_points_a_new_user_is_at_the_gyromidpoint(
    free: HyperML, tmp_path: Path, half_life: float | None
) -> None:
    served = served_with(free, tmp_path / "1", "recommend_from_items", k=K, half_life=half_life)
    got = served.recommend_from_items(histories())
    for row, history in enumerate(histories()):
        weights = 0.5 ** (np.arange(len(history))[::-1] / (half_life or 3.0))
        points = free.candidate_tower(history)
        middle = poincare.gyromidpoint(points, free.curvature(), tf.constant(weights, tf.float32))
        ids, distances = nearest(middle, without=history)
        assert got.ids[row].tolist() == ids
        np.testing.assert_allclose(got.distances[row], distances, rtol=1e-5)


def test_padding_and_unknown_items_in_a_history_change_nothing(loaded: ServedModel) -> None:
    history = histories()[0]
    padded = [history, ["", *history], [*history, "", ""], ["?", *history[:1], "", "new", *history[1:]]]
    ids = loaded.recommend_from_items(padded).ids
    assert [row.tolist() for row in ids] == [ids[0].tolist()] * len(padded)
    # The order of a history counts, and so does repetition.
    assert (
        loaded.recommend_from_items([history[::-1]]).distances[0].tolist()
        != loaded.recommend_from_items([history]).distances[0].tolist()
    )


@pytest.mark.slow
def test_one_item_is_its_own_midpoint(free: HyperML, tmp_path: Path) -> None:
    loaded = served_with(free, tmp_path / "1", "recommend_from_items", "similar_items", k=K)
    items = split().train.item_ids[:5].tolist()
    by_history, similar = loaded.recommend_from_items([[item] for item in items]), loaded.similar_items(items)
    assert by_history.ids.tolist() == similar.ids.tolist()
    np.testing.assert_allclose(by_history.distances, similar.distances, rtol=1e-5)


def test_nothing_known_is_the_origin(loaded: ServedModel) -> None:
    got = loaded.recommend_from_items([["", ""], ["new", "newer"]])
    expected = loaded.recommend(["stranger"] * 2)
    assert got.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-6)
    assert loaded.recommend_from_items([[], []]).ids.tolist() == expected.ids.tolist()


def test_similar_items(loaded: ServedModel) -> None:
    items = split().train.item_ids[:20].tolist()
    got, expected = loaded.similar_items(items), trained().similar_items(items, K)
    assert got.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-5)
    assert all(item not in row for item, row in zip(items, got.ids.tolist(), strict=True))
    nothing = loaded.similar_items(["unknown", ""])
    assert nothing.ids.tolist() == [[""] * K] * 2
    assert np.isposinf(nothing.distances).all()


def test_vectors_rank_by_distance(loaded: ServedModel) -> None:
    """An external index needs nothing but the largest dot product."""
    users, items = split().train.user_ids[:10].tolist(), trained().candidate_tower.ids
    vectors = loaded.embed_items(items.tolist())
    queries = loaded.embed_users([*users, "stranger"])
    assert vectors.shape == (len(items), DIM + 1)
    found = np.argsort(-queries.astype(np.float64) @ vectors.T.astype(np.float64), axis=1, kind="stable")[:, :K]
    assert items[found].tolist() == loaded.recommend([*users, "stranger"]).ids.tolist()
    c = trained().curvature()
    np.testing.assert_allclose(vectors, lorentz.lift(trained().candidate_tower.all_points(), c), rtol=1e-6)


def test_the_vector_of_an_unknown_item_is_infinitely_far(loaded: ServedModel) -> None:
    vectors = loaded.embed_items(["unknown", ""])
    assert np.isposinf(vectors[:, 0]).all()
    assert (vectors[:, 1:] == 0).all()
    products = loaded.embed_users(split().train.user_ids[:3].tolist()) @ vectors.T
    assert np.isneginf(products).all()


@pytest.mark.slow
def test_curvature_0(tmp_path: Path) -> None:
    model = HyperML(["u"], ["a", "b", "c"], dim=2, curvature=0.0, history=0)
    model.candidate_tower.embedding.embeddings.assign([[0.0, 4.0], [2.0, 0.0], [0.0, 0.0]])
    served = served_with(model, tmp_path / "flat", half_life=float("inf"))
    got = served.recommend_from_items(
        [["a", "b"]]
    )  # their mean is (1, 2), at twice the Euclidean distance from the origin
    assert got.ids.tolist() == [["c", "", ""]]
    np.testing.assert_allclose(got.distances[0, 0], 2 * 5**0.5, rtol=1e-6)
    assert served.similar_items(["c"]).ids.tolist() == [["b", "a", ""]]
    products = served.embed_users(["nobody"]) @ served.embed_items(["a", "b", "c"]).T
    assert np.argsort(-products[0]).tolist() == [2, 1, 0]


@pytest.mark.slow
def test_odd_ids_in_every_signature(tmp_path: Path) -> None:
    served = served_with(odd_model(), tmp_path / "odd")
    for answer in (
        served.recommend_from_items([ODD_IDS[:-1]]),
        served.recommend(ODD_IDS[:1], [ODD_IDS[:-1]]),
    ):
        assert answer.ids[0].tolist() == [ODD_IDS[-1], *[""] * (len(ODD_IDS) - 1)]
    similar = served.similar_items(ODD_IDS).ids
    assert all(
        sorted([*row[:-1], item]) == sorted(ODD_IDS) for row, item in zip(similar.tolist(), ODD_IDS, strict=True)
    )
    assert np.isfinite(served.embed_items(ODD_IDS)).all()
    # The same letter in two ways of writing it is two ids.
    composed, decomposed = "Žižkov 東京", "Z\u030ciz\u030ckov 東京"
    assert np.isfinite(served.score(["x"], [[composed, decomposed]])).tolist() == [[True, False]]
    assert served.score(["x"], [[composed.encode()]]).tolist() == served.score(["x"], [[composed]]).tolist()


@pytest.mark.slow
def test_large_batches_are_answered_in_parts(
    loaded: ServedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a limit that holds five rows at a time, the answers are the same."""
    monkeypatch.setattr("hyperml_tf.retrieval.chunks._NUMBERS", 5 * len(trained().candidate_tower))
    small = served_with(trained(), tmp_path / "small", k=K, exclude_seen=False)
    users = [*split().train.user_ids[:22].tolist(), "stranger"]
    exclude = [split().train.item_ids[row : row + 3].tolist() for row in range(23)]
    for name, inputs in {
        "serving_default": {"user_id": users},
        "recommend_excluding": {"user_id": users, "exclude": exclude},
        "recommend_among": {"user_id": users, "candidates": exclude},
        "recommend_from_items": {"history": exclude},
        "similar_items": {"item_id": split().train.item_ids[:22].tolist()},
        "score": {"user_id": users, "item_id": exclude},
    }.items():
        for size in (0, 5, 6, 22):
            part = {key: values[:size] for key, values in inputs.items()}
            got, expected = small.ask(name, **part), loaded.ask(name, **part)
            for key, values in expected.items():
                assert got[key].shape == values.shape, (name, size)
                if values.dtype == object:
                    assert got[key].tolist() == values.tolist()
                else:
                    np.testing.assert_allclose(got[key], values, rtol=1e-5)


def test_excluded_pairs() -> None:
    scores = exclude_pairs(tf.constant([0, 1, 1]), tf.constant([2, 0, 0])).apply(tf.zeros([2, 3]))
    assert (scores.numpy() == tf.float32.min).tolist() == [[False, False, True], [True, False, False]]
