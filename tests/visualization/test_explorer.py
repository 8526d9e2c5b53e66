"""The page of the explorer, without a browser: what it holds is what the model answers, and nothing in it is markup or code."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hostile_titles import TITLES

from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML
from hyperml_tf.models.baselines import CML
from hyperml_tf.visualization import disk_layout, layout, layout_beside, write_explorer
from hyperml_tf.visualization.page_data import page_data

DEFAULTS: dict[str, Any] = {
    "items": None,
    "label": None,
    "colour": None,
    "popularity": None,
    "users": 200,
    "k": 10,
    "title": "t",
}
TYPES = {"u8": "<u1", "u16": "<u2", "u32": "<u4", "f32": "<f4"}


def decoded(array: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["data"]), TYPES[array["type"]])


@pytest.fixture(scope="module")
def model() -> HyperML:
    return tiny.trained()


@pytest.fixture(scope="module")
def data(model: HyperML) -> dict[str, Any]:
    return page_data(model, **{**DEFAULTS, "users": 25, "k": 7})


def test_neighbours_are_those_of_the_model(model: HyperML, data: dict[str, Any]) -> None:
    answer = model.similar_items(model.candidate_tower.ids, k=7)
    ids = np.array(data["ids"], object)
    assert data["k"] == 7
    assert ids.tolist() == model.candidate_tower.ids.tolist()
    assert ids[decoded(data["neighbours"]).reshape(-1, 7)].tolist() == answer.ids.tolist()
    np.testing.assert_allclose(decoded(data["neighbour_distances"]).reshape(-1, 7), answer.distances, rtol=1e-5)


def test_recommendations_and_histories_are_those_of_the_model(model: HyperML, data: dict[str, Any]) -> None:
    users = [user["id"] for user in data["users"]]
    answer = model.recommend(users, k=7)
    assert [[data["ids"][item] for item in user["recommended"]] for user in data["users"]] == answer.ids.tolist()
    np.testing.assert_allclose([user["distances"] for user in data["users"]], answer.distances, atol=1e-5)
    rows = tiny.split().train.to_frame()
    for user in data["users"]:
        theirs = rows[rows["user"] == user["id"]]["item"].tolist()
        assert user["interactions"] == len(theirs)
        assert [data["ids"][item] for item in user["history"]] == theirs[::-1]


def test_reasons_are_those_of_explain(model: HyperML, data: dict[str, Any]) -> None:
    for user in data["users"][::6]:
        for item, reasons in zip(user["recommended"], user["reasons"], strict=True):
            why = model.explain([user["id"]], [data["ids"][item]])
            assert [data["ids"][one] for one, _ in reasons] == why.ids[0, :3].tolist()
            np.testing.assert_allclose([share for _, share in reasons], why.shares[0, :3], atol=1e-5)


def test_users_whom_no_history_places_have_no_reasons() -> None:
    model = HyperML.from_interactions(tiny.split().train, dim=3, history=0)
    model.set_seen(tiny.split().train)
    (user,) = page_data(model, **{**DEFAULTS, "users": 1, "k": 4})["users"]
    assert user["reasons"] == [[]] * 4


def test_places_are_those_of_the_layout(model: HyperML, data: dict[str, Any]) -> None:
    points, c = model.candidate_tower.all_points().numpy(), float(model.curvature())
    popularity = tiny.split().train.popularity()
    expected = disk_layout(points, popularity, c)
    assert data["layout"] == {"centre": expected.centre, "scale": expected.scale, "flat": False}
    np.testing.assert_allclose(decoded(data["distances"]), expected.distances, rtol=1e-6)
    np.testing.assert_allclose(decoded(data["angles"]), expected.angles, rtol=1e-6)
    np.testing.assert_array_equal(decoded(data["popularity"]), popularity)


def test_users_range_from_the_longest_history_to_the_shortest(data: dict[str, Any]) -> None:
    lengths = [user["interactions"] for user in data["users"]]
    counts = np.bincount(tiny.split().train.users)
    assert len(lengths) == len({user["id"] for user in data["users"]}) == 25
    assert lengths == sorted(lengths, reverse=True)
    assert (lengths[0], lengths[-1]) == (counts.max(), counts.min())


def test_users_are_chosen_by_id(model: HyperML) -> None:
    chosen = model.query_tower.ids[[5, 2]].tolist()
    assert [user["id"] for user in page_data(model, **{**DEFAULTS, "users": chosen})["users"]] == chosen
    assert page_data(model, **{**DEFAULTS, "users": 0})["users"] == []


def test_users_without_items_left_have_fewer_recommendations() -> None:
    table = Interactions.from_arrays([7, 7, 7, 8], [10, 11, 12, 10])
    model = HyperML.from_interactions(table, dim=3)
    model.set_seen(table)
    found = page_data(model, **DEFAULTS)
    assert found["k"] == 2
    by_id = {user["id"]: [found["ids"][item] for item in user["recommended"]] for user in found["users"]}
    assert by_id["7"] == []
    assert sorted(by_id["8"]) == ["11", "12"]


@pytest.mark.parametrize("make", [lambda table: HyperML.from_interactions(table, curvature=0.0), CML.from_interactions])
def test_flat_models_have_a_flat_page(make) -> None:
    table = Interactions.from_arrays(["u", "u", "v", "v"], ["a", "b", "c", "a"])
    model = make(table)
    model.set_seen(table)
    assert page_data(model, **DEFAULTS)["layout"]["flat"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"items": {"title": ["a"]}},
            r"`items` must have one text per item of the catalogue, 150, .*Received: 1 in the column",
        ),
        ({"label": "title"}, r"`label` must name a column of `items`, which has no columns\. Received: 'title'"),
        ({"colour": "kind"}, r"`colour` must name a column"),
        ({"popularity": [1.0]}, r"`popularity` must be 150 finite numbers >= 0"),
        ({"users": -1}, r"`users` must be a number >= 0, or a list of ids\. Received: users=-1"),
        ({"users": ["nobody"]}, r"`users` must be users of the model\. Received unknown ids: \['nobody'\]"),
        ({"k": 0}, r"`k` must be at least 1"),
    ],
)
def test_bad_arguments_are_named(model: HyperML, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        page_data(model, **{**DEFAULTS, **arguments})


class Parts(html.parser.HTMLParser):
    """The elements of a page, and what its scripts and styles hold."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.blocks: list[tuple[str, dict[str, str | None], str]] = []
        self.attributes: dict[str, str | None] = {}
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes = dict(attrs)
        if self.attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(self.attributes["content"])

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in ("script", "style", "title") and data.strip():
            self.blocks.append((self.tags[-1], self.attributes, data))


def parts_of(path: Path) -> Parts:
    parts = Parts()
    parts.feed(path.read_text(encoding="utf-8"))
    return parts


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A page of harmless titles, and one of hostile titles, columns and title."""
    rng = np.random.default_rng(0)
    n = len(TITLES)
    table = Interactions.from_arrays(np.repeat(["u", "v", "w"], n), np.tile(np.arange(n), 3))
    model = HyperML.from_interactions(table, dim=3)
    model.set_seen(
        Interactions(np.zeros(n, np.int32), rng.permutation(n).astype(np.int32), table.user_ids, table.item_ids)
    )
    folder = tmp_path_factory.mktemp("pages")
    script = "</title><script>window.ran=1</script>"
    harmless = write_explorer(model, folder / "harmless.html", {"title": ["Teapot"] * n}, title="Items")
    hostile = {"title": TITLES, "</script>": [*TITLES[:30]] * 10, "__proto__": [f"<b>{i % 4}</b>" for i in range(n)]}
    return harmless, write_explorer(model, folder / "new" / "hostile.html", hostile, title=script)


def test_hostile_titles_change_no_element_of_the_page(pages: tuple[Path, Path]) -> None:
    harmless, hostile = map(parts_of, pages)
    assert len(TITLES) == 300
    assert hostile.tags == harmless.tags
    assert hostile.tags.count("script") == 2
    assert hostile.blocks[0][2] == "</title><script>window.ran=1</script>"


def test_hostile_titles_arrive_as_they_are(pages: tuple[Path, Path]) -> None:
    text = pages[1].read_text(encoding="utf-8")
    (block,) = [block for _, attributes, block in parts_of(pages[1]).blocks if attributes.get("id") == "data"]
    assert block.isascii()
    assert not set("<>&") & set(block)
    titles = json.loads(block)["columns"]["title"]["values"]
    assert titles == [title if len(title) <= 200 else title[:199] + "…" for title in TITLES]
    assert len(re.findall(r"</script", text)) == 2


def test_only_this_script_and_this_style_may_run(pages: tuple[Path, Path]) -> None:
    parts = parts_of(pages[0])
    blocks = {(tag, attributes.get("type")): block for tag, attributes, block in parts.blocks}
    for tag, block in (("script", blocks["script", None]), ("style", blocks["style", None])):
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in parts.policy
    assert "default-src 'none'" in parts.policy
    assert not re.search(r"https?:|//[a-z]|url\(|innerHTML|insertAdjacent|eval\(", blocks["style", None])
    script = re.sub(r"//.*", "", blocks["script", None])
    assert not re.search(
        r"https?:|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(|import\(", script
    )


def test_a_page_that_is_there_is_replaced_whole(model: HyperML, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(ValueError, match="`users`"):
        write_explorer(model, path, users=-1)
    assert path.read_text() == "old"
    assert write_explorer(model, str(path), users=1) == path
    assert path.read_text().startswith("<!DOCTYPE html>")


def _shell(n: int, dim: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    directions = np.eye(dim)[np.arange(n) % 4] + 0.15 * rng.normal(size=(n, dim))
    return 0.9 * directions / np.linalg.norm(directions, axis=1, keepdims=True)


def test_of_many_points_the_others_are_laid_out_beside_the_largest(monkeypatch) -> None:
    """Clusters are sectors whichever points are laid out first, and radii stay exact."""
    monkeypatch.setattr(layout, "_LANDMARKS", 100)
    found = disk_layout(_shell(400), weights=np.arange(400))
    clusters = (np.arange(400) % 4)[np.argsort(found.angles)]
    assert np.mean(clusters == np.roll(clusters, 1)) > 0.95
    np.testing.assert_allclose(found.distances, 2 * np.arctanh(0.9), rtol=1e-9)


def test_further_points_lie_beside_their_neighbours() -> None:
    points = _shell(400)
    known = disk_layout(points)
    beside = layout_beside(0.5 * points[:8], points, known)
    np.testing.assert_allclose(beside.distances, 2 * np.arctanh(0.45), rtol=1e-9)
    for number in range(8):
        own = known.angles[number % 4 :: 4]
        middle = np.angle(np.exp(1j * own).mean())
        assert abs(np.angle(np.exp(1j * (beside.angles[number] - middle)))) < np.pi / 4
    flat = [[0.3, 0.4], [-0.1, 0.2]]
    np.testing.assert_allclose(layout_beside(flat, points[:, :2], disk_layout(points[:, :2])).xy(), flat, atol=1e-12)
