"""Parts of reports: categories, bands, lists, correlations, the verdict and the rendered document."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import scipy.stats

from hyperml_tf.data import ItemTable, synthesize
from hyperml_tf.data.categories import Categories
from hyperml_tf.metrics import lists
from hyperml_tf.reports import ItemGraph, Sampling, sampled_delta
from hyperml_tf.reports.bands import item_bands, user_bands
from hyperml_tf.reports.correlation import partial_spearman, spearman
from hyperml_tf.reports.document import Bullets, Heading, Paragraph, Picture, Table
from hyperml_tf.reports.rendering import to_html, to_markdown
from hyperml_tf.reports.verdict import RANDOM, TREE, verdict

HOSTILE = '<script>alert(1)</script> [x](javascript:1) | `a` **b** & "c"\n# d'


def items(**columns: list[str]) -> ItemTable:
    return ItemTable(np.arange(len(next(iter(columns.values())))), columns)


# Categories ------------------------------------------------------------------------------------------------------


def test_paths_are_a_hierarchy_and_genres_are_not() -> None:
    paths = Categories.of(items(path=["a|aa|aaa", "a|aa|aab", "a|ab", "b|ba"], title=["|", "", "", ""]))
    assert paths is not None
    assert (paths.column, paths.is_hierarchy, paths.depths().tolist()) == ("path", True, [3, 3, 2, 2])
    genres = ["Action|Comedy", "Action|Comedy|Drama", "Comedy|Drama", "Comedy", "Drama", "Drama", "Action|Drama"]
    found = Categories.of(items(genres=genres))
    assert found is not None
    assert found.general_first() < 0.8
    assert not found.is_hierarchy


def test_other_separators_and_columns_without_lists() -> None:
    assert Categories.of(items(title=["Face/Off", "a > b"])) is None
    assert Categories.of(items(path=["a > b", "a"]), "path").lists == (("a", "b"), ("a",))
    assert Categories.of(items(path=["a/b/", ""]), "path").lists == (("a", "b"), ())
    assert Categories.of(items(kind=["x", "y"]), "kind").is_hierarchy is False
    with pytest.raises(ValueError, match=r"`categories` must be a column .*\['kind'\]. Received: 'genre'"):
        Categories.of(items(kind=["x"]), "genre")


# Bands and correlations ------------------------------------------------------------------------------------------


def test_each_band_of_items_has_a_third_of_the_rows() -> None:
    popularity = np.random.default_rng(0).permutation(np.arange(300) ** 2)
    bands = item_bands(popularity)
    shares = np.bincount(bands, popularity) / popularity.sum()
    np.testing.assert_allclose(shares, 1 / 3, atol=0.01)
    assert popularity[bands == 0].min() >= popularity[bands == 1].max() >= popularity[bands == 2].max()
    assert item_bands(np.zeros(3, int)).tolist() == [0, 0, 0]


def test_equally_active_users_are_in_the_same_band() -> None:
    activity = np.random.default_rng(0).integers(1, 9, size=200)
    bands = user_bands(activity)
    assert set(bands) == {0, 1, 2}
    for number in np.unique(activity):
        assert len(set(bands[activity == number])) == 1


def test_rank_correlations() -> None:
    rng = np.random.default_rng(0)
    x, y, z = (values + rng.normal(size=500) for values in [rng.normal(size=500)] * 3)
    found = spearman(x, y)
    assert found is not None
    assert found["spearman"] == pytest.approx(scipy.stats.spearmanr(x, y).statistic)
    assert found["low"] < found["spearman"] < found["high"]
    assert spearman(x, np.ones(500)) is None
    assert spearman(x[:3], y[:3]) is None
    # By definition, the correlation of what is left of the ranks after regression on those of z.
    ranks = [scipy.stats.rankdata(values) for values in (x, y, z)]
    left = [rank - np.polyval(np.polyfit(ranks[2], rank, 1), ranks[2]) for rank in ranks[:2]]
    values = [scipy.stats.spearmanr(*pair).statistic for pair in ((x, y), (x, z), (y, z))]
    assert partial_spearman(*values) == pytest.approx(np.corrcoef(*left)[0, 1])


# Lists -----------------------------------------------------------------------------------------------------------


def test_lists_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    scores, popularity = rng.normal(size=(5, 12)), rng.integers(0, 20, size=12)
    excluded = [sorted(rng.permutation(12)[:n].tolist()) for n in (0, 3, 11, 12, 5)]
    csr = np.cumsum([0, *map(len, excluded)]), np.array([item for row in excluded for item in row])
    found = lists.top_lists(lambda users: scores[users], np.arange(5), csr, k=4)
    expected = [[i for i in np.argsort(-row) if i not in left][:4] for row, left in zip(scores, excluded, strict=True)]
    assert [[i for i in row if i >= 0] for row in found.tolist()] == expected
    flat = [item for row in expected for item in row]
    assert lists.coverage(found, 12) == len(set(flat)) / 12
    assert lists.novelty(found, popularity, 40) == pytest.approx(
        np.mean([-np.log2(max(popularity[i], 1) / 40) for i in flat])
    )
    places = rng.normal(size=12)
    within = np.abs(places[found][:, :, None] - places[found][:, None])
    means = [np.mean([abs(places[i] - places[j]) for i in r for j in r if i != j]) for r in expected if len(r) > 1]
    assert lists.diversity(lambda _: within, found) == pytest.approx(np.mean(means))
    histories = np.array([4.0, 3.0, 2.0, 1.0, 5.0])
    some = [popularity[row].mean() for row in expected if row]
    assert lists.popularity_lift(found, popularity, histories) == pytest.approx(np.mean(some) / 3.5 - 1)


def test_lists_of_nothing() -> None:
    nothing = np.full((2, 3), -1)
    assert lists.coverage(nothing, 4) == 0
    assert lists.gini(nothing, 4) is None
    assert lists.diversity(lambda _: np.zeros((2, 3, 3)), nothing) is None
    assert lists.popularity_lift(nothing, np.ones(4, int), np.ones(2)) is None
    assert lists.distinct_categories(nothing, ((),) * 4) is None


# The verdict -----------------------------------------------------------------------------------------------------


def numbers(
    relative: float = 0.1, popularity: float = -0.5, depth: float | None = None, **others: Any
) -> dict[str, Any]:
    delta = {"relative": relative, "low": relative - 0.05, "high": relative + 0.05}
    categories = None if depth is None else {"depth": {"spearman": depth}}
    return {
        "run": {"curvature": 1.0},
        "graph": {"share": 1.0},
        "delta": {"graph": delta, "random graph": {"relative": 0.8}},
        "radius": {"popularity": {"spearman": popularity}, "categories": categories},
        "flatness": 1.2,
        **others,
    }


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (numbers(), "yes"),
        (numbers(depth=0.5), "yes"),
        (numbers(popularity=0.0, depth=0.5), "partly"),
        (numbers(popularity=0.5), "partly"),
        (numbers(relative=0.5), "partly"),
        (numbers(relative=0.5, popularity=0.0), "partly"),
        (numbers(relative=0.7), "partly"),
        (numbers(relative=0.7, popularity=0.0), "no"),
        (numbers(relative=0.7, popularity=0.5, depth=0.0), "no"),
        (numbers(graph={"share": 0.1}, popularity=0.0), "partly"),
        (numbers(delta=None, radius={"popularity": None, "categories": None}), "unknown"),
        (numbers(delta=None, popularity=0.0), "partly"),
        (numbers(relative=0.7, flatness=1.01), "no"),  # ranks of radii in a space that is flat there
        (numbers(relative=0.7, run={"curvature": 0.0}), "no"),
    ],
)
def test_what_speaks_for_hyperbolic_space_and_against_it(found: dict[str, Any], answer: str) -> None:
    assert verdict(found)["answer"] == answer


def test_reasons_have_their_numbers() -> None:
    found = verdict(numbers(relative=0.72, popularity=-0.51, depth=0.02, flatness=1.01))
    weak = (
        "-0.51: popular items are near the origin, as general ones are in a tree; but the space is flat where they are"
    )
    assert weak in "".join(found["open"])
    assert found["for"] == []
    assert "+0.02, which is weak" in "".join(found["against"])
    assert "0.72 (0.67 to 0.77); a tree has 0, a random graph with the same degrees 0.80" in "".join(found["against"])
    assert "1.01 times those of the same points in flat space" in "".join(found["against"])
    assert "-0.50: popular items are near the origin" in "".join(verdict(numbers())["for"])
    flat = verdict(numbers(flatness=1.0, run={"curvature": 0.0}))
    assert not any("flat space" in text for side in ("for", "against", "open") for text in flat[side])


def test_a_taxonomy_is_told_from_rows_at_random() -> None:
    relative = {}
    for noise in (0.1, 1.0):
        graph = ItemGraph.of(synthesize(n_users=300, n_items=200, n_rows=6000, noise=noise).table, k=5)
        component = graph.largest_component()
        assert len(component) == 200
        relative[noise] = sampled_delta(graph.steps(component)[:, component], samples=5).relative
    assert TREE < relative[0.1] < RANDOM * relative[1.0]


def test_sizes_of_samples_are_checked() -> None:
    with pytest.raises(ValueError, match=r"`users` must be a positive integer. Received: users=0"):
        Sampling(users=0)
    with pytest.raises(ValueError, match=r"`delta_size` must be at least 4"):
        Sampling(delta_size=3)


# The document ----------------------------------------------------------------------------------------------------

DOCUMENT = [
    Heading(HOSTILE, 1),
    Paragraph(HOSTILE, strong=True),
    Bullets([HOSTILE]),
    Table([HOSTILE, "n"], [[HOSTILE, "1"]]),
    Picture("p", HOSTILE),
    Picture("missing", "not drawn"),
]


def test_hostile_text_stays_text_in_html() -> None:
    page = to_html(DOCUMENT, {"p": b"<svg/>"})
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 8  # the title and the caption twice
    assert page.count("<img ") == 1
    assert 'alt="&lt;script' in page
    assert "&quot;c&quot;" in page
    assert "default-src 'none'" in page
    assert "not drawn" not in page


def test_hostile_text_stays_text_in_markdown() -> None:
    text = to_markdown(DOCUMENT, "pictures", {"p": b""})
    assert "<script" not in text.replace(r"\<script", "")
    assert "[x](" not in text.replace(r"\[x\](", "")
    table = next(line for line in text.splitlines() if line.endswith("| 1 |"))
    assert table.replace(r"\|", "").count("|") == 3
    assert "\n# d" not in text
    assert "](pictures/p.svg)" in text
    assert "missing" not in text


def test_the_verdict_changes_nothing() -> None:
    given = numbers()
    before = copy.deepcopy(given)
    verdict(given)
    assert given == before
