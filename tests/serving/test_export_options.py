"""Options of an export: seen items, item details, half precision, warm-up, model card, versions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from serving_cases import K, odd_model
from tiny import DIM, split, trained

from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML
from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.serving import SIGNATURES, ServedModel, export_saved_model, next_version

# Seen items ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_served_model_leaves_out_what_was_seen(rich: Path) -> None:
    train, served = split().train, ServedModel(rich)
    got, expected = served.recommend(train.user_ids.tolist()), trained().recommend(train.user_ids, K)
    assert got.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-5)
    # An unknown user has seen nothing, and items of a request are left out besides.
    assert served.recommend(["stranger"]).ids.tolist() == trained().recommend(["stranger"], K).ids.tolist()
    users = train.user_ids[:5].tolist()
    more = served.recommend(users, expected.ids[:5, :2].tolist())
    assert more.ids[:, : K - 2].tolist() == expected.ids[:5, 2:].tolist()


@pytest.mark.slow
def test_a_user_who_has_seen_everything_gets_nothing(tmp_path: Path) -> None:
    table = Interactions.from_arrays(["all", "all", "one"], ["a", "b", "a"])
    model = HyperML.from_interactions(table, dim=2)
    model.set_seen(table)
    served = ServedModel(export_saved_model(model, tmp_path / "1"))
    assert served.recommend(["all", "one", "all"]).ids.tolist() == [["", ""], ["b", ""], ["", ""]]


def test_a_model_that_has_seen_nothing_leaves_nothing_out(tmp_path: Path) -> None:
    served = ServedModel(export_saved_model(odd_model(["a", "b"]), tmp_path / "1"))
    assert sorted(served.recommend(["a"]).ids[0]) == ["a", "b"]


def test_a_model_that_was_not_trained_is_exported_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not so one that was trained and has lost its histories, see `tests/models/test_daily_retraining.py`."""
    model = HyperML(["u", "v"], ["a", "b", "c"], dim=2)
    with caplog.at_level("WARNING", logger="hyperml_tf"):
        served = ServedModel(export_saved_model(model, tmp_path / "1"))
    assert "not trained and has seen nothing" in caplog.text
    assert served.recommend(["u"]).distances.tolist() == served.recommend(["stranger"]).distances.tolist()


# Item details ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_details_come_beside_ids(rich: Path) -> None:
    served, items = ServedModel(rich), trained().candidate_tower.ids
    shelf = {item: str(row % 7) for row, item in enumerate(items)}
    users = split().train.user_ids[:4].tolist()
    for answer in (
        served.ask("serving_default", user_id=users),
        served.ask("recommend_excluding", user_id=users, exclude=[items.tolist()] * 2 + [items[5:].tolist()] * 2),
        served.ask("recommend_from_items", history=[items[:3].tolist()]),
        served.ask("similar_items", item_id=[items[0], "unknown"]),
    ):
        assert set(answer) == {"item_id", "distance", "title", "shelf"}
        for ids, titles, shelves in zip(answer["item_id"], answer["title"], answer["shelf"], strict=True):
            assert titles.tolist() == [f"Title of {item} — 題" if item else "" for item in ids]
            assert shelves.tolist() == [shelf.get(item, "") for item in ids]
    assert set(served.ask("score", user_id=users, item_id=[["a"]] * 4)) == {"distance"}


def test_details_must_fit(tmp_path: Path) -> None:
    for wrong in (["only one"], ["one", 2]):
        with pytest.raises(ValueError, match=r"`details\['title'\]` must be text for each of the 2 items"):
            export_saved_model(odd_model(["a", "b"]), tmp_path / "1", details={"title": wrong})
    with pytest.raises(ValueError, match=r"`details` must not have the names .*Received: \['distance'\]"):
        export_saved_model(odd_model(["a", "b"]), tmp_path / "1", details={"distance": ["near", "far"]})
    with pytest.raises(
        ValueError, match=r"`filter_columns` must be of `details`, which has \['title'\]. Received: \['year'\]"
    ):
        export_saved_model(
            odd_model(["a", "b"]), tmp_path / "1", details={"title": ["A", "B"]}, filter_columns=["year"]
        )


# Half precision --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_half_precision_gives_the_answers_of_full_precision(
    tmp_path: Path, loaded: ServedModel, users: list[str]
) -> None:
    small = ServedModel(export_saved_model(trained(), tmp_path / "1", k=K, exclude_seen=False, precision="float16"))
    got, expected = small.recommend(users), loaded.recommend(users)
    assert got.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-5)
    assert small.card["serving"]["precision"] == "float16"
    report = small.card["serving"]["quantised_index"]
    assert report["overlap@10"] > 0.98
    assert report["largest_distance_error"] < 1e-3


def test_precision_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`precision` must be"):
        export_saved_model(odd_model(["a", "b"]), tmp_path / "1", precision="int8")  # type: ignore[arg-type]


# Warm-up, card, versions -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_warm_up_file_replays(rich: Path) -> None:
    """Loading answers every request of it; a request that failed would stop the load."""
    assert LoadedVersion(2, rich).warmed_up == 2 * len(SIGNATURES)


@pytest.mark.slow
def test_warm_up_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ImportError, match=r"pip install 'hyperml-tf\[serving\]'"):
        export_saved_model(odd_model(["a", "b"]), tmp_path / "1", warm_up_requests=True)
    assert list(tmp_path.iterdir()) == []


def test_the_card(served: Path, rich: Path) -> None:
    text = (rich / "assets.extra" / "model_card.json").read_text(encoding="utf-8")
    card = json.loads(text, parse_constant=lambda token: pytest.fail(f"{token} is not JSON"))
    train = split().train
    assert card["data"]["rows"] == len(train)
    assert (card["data"]["users"], card["data"]["items"]) == (train.n_users, train.n_items)
    assert card["metrics"] == {"test": {"full_ndcg@10": 0.25}}
    assert (card["space"]["dim"], card["space"]["curvature"]) == (DIM, 1.0)
    radii = 2 * np.arctanh(np.linalg.norm(trained().candidate_tower.all_points(), axis=1))
    stated = card["space"]["distance_from_origin"]["items"]
    np.testing.assert_allclose([stated["min"], stated["max"]], [radii.min(), radii.max()], rtol=1e-3)
    assert card["versions"]["tensorflow"] == tf.__version__
    assert card["serving"]["excludes_seen"]
    assert card["serving"]["half_life"] is None
    assert card["serving"]["signatures"]["similar_items"]["outputs"]["title"] == {"dtype": "string", "shape": [-1, K]}
    plain = ServedModel(served).card
    assert plain["serving"]["half_life"] == 3.0
    # The hash is that of the data: other rows, another hash.
    assert plain["data"] == card["data"]
    other = trained().query_tower.ids, trained().candidate_tower.ids
    pairs = Interactions(train.users[:-1], train.items[:-1], *other)
    assert pairs.fingerprint() != card["data"]["fingerprint"]


@pytest.mark.slow
def test_versions(tmp_path: Path) -> None:
    base = tmp_path / "items"
    assert next_version(base) == base / "1"
    first = export_saved_model(odd_model(["a", "b"]), next_version(base))
    (base / "notes").mkdir()
    (base / "9").mkdir()
    assert next_version(base) == base / "10"
    with pytest.raises(ValueError, match="the directory above the versions"):
        next_version(first)


def test_a_half_life_is_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`half_life` must be positive"):
        export_saved_model(odd_model(["a", "b"]), tmp_path / "1", half_life=0.0)
