from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hyperml_tf.data import leave_one_out, synthesize
from hyperml_tf.data.catalogue_names import category_paths, titles

SMALL = {"n_users": 120, "n_items": 200, "n_rows": 3000, "branching": 3}


@pytest.fixture(scope="module")
def catalogue():
    return synthesize(**SMALL)


def test_sizes_and_identifiers(catalogue):
    rows, items = catalogue.interactions, catalogue.items
    assert list(rows) == ["user", "item", "timestamp"]
    assert len(rows) == 3000
    assert not rows.duplicated(["user", "item"]).any()
    assert rows["timestamp"].is_monotonic_increasing
    assert rows.groupby("user").size().between(5, 100).all()
    assert rows["user"].nunique() == 120
    assert items["item"].tolist() == [f"item_{number:05d}" for number in range(200)]
    assert list(items) == ["item", "title", "category"]
    assert items["title"].is_unique
    assert set(rows["item"]) <= set(items["item"])
    assert (len(catalogue.table), catalogue.table.ordered) == (3000, True)


def test_taxonomy(catalogue):
    paths = catalogue.items["category"].unique()
    assert len(paths) == 27
    assert {len(path.split("|")) for path in paths} == {3}
    assert len({path.split("|")[0] for path in paths}) == 3
    assert len({path.rsplit("|", 1)[0] for path in paths}) == 9
    assert set(catalogue.favourites["category"]) <= set(paths)
    assert catalogue.favourites.groupby("user").size().between(1, 3).all()


def test_titles_say_what_an_item_is(catalogue):
    for title, category in zip(catalogue.items["title"], catalogue.items["category"], strict=True):
        assert title.endswith(category.split("|")[-1])


@pytest.mark.parametrize(("depth", "branching"), [(1, 2), (1, 26), (2, 26), (3, 5), (3, 26), (4, 7), (5, 3)])
def test_every_tree_has_names(depth, branching):
    paths = category_paths(depth, branching)
    assert len(set(paths)) == branching**depth
    assert {len(path) for path in paths} == {depth}
    # Every node has as many children as it should, and their names differ.
    for level in range(depth):
        children = {path[: level + 1] for path in paths}
        assert len(children) == branching ** (level + 1)


def test_titles_are_distinct_however_many_there_are():
    made = titles(["Teapot"] * 5000 + ["Tent"] * 5000, [*range(5000), *range(5000)], seed=3)
    assert len(set(made)) == 10_000
    assert made == titles(["Teapot"] * 5000 + ["Tent"] * 5000, [*range(5000), *range(5000)], seed=3)
    assert made[:40] != titles(["Teapot"] * 40, range(40), seed=4)


def test_reproducible(catalogue):
    again, other = synthesize(**SMALL), synthesize(**SMALL, seed=1)
    pd.testing.assert_frame_equal(catalogue.interactions, again.interactions)
    pd.testing.assert_frame_equal(catalogue.items, again.items)
    assert not catalogue.interactions.equals(other.interactions)


def shares(catalogue):
    """How often a row's item shares 3, 2, 1 or 0 levels with the nearest favourite of its user."""
    leaf = catalogue.items.set_index("item")["category"]
    liked = catalogue.favourites.groupby("user")["category"].agg(list)

    def common(one, two):
        return sum(a == b for a, b in zip(one.split("|"), two.split("|"), strict=True))

    rows = catalogue.interactions
    levels = [max(common(leaf[i], path) for path in liked[u]) for u, i in zip(rows["user"], rows["item"], strict=True)]
    return np.bincount(levels, minlength=4)[::-1] / len(levels)


def test_tastes_follow_the_tree():
    # Few rows and many items, so that no favourite leaf is used up: the shares are those of the walk, plus what a walk that
    # stops at an ancestor finds below a favourite by chance.
    narrow = shares(synthesize(60, 4000, 900, depth=3, branching=3, zipf=0, concentration=0.6, noise=0))
    expected = np.array([0.6, 0.24, 0.096, 0.064])
    assert narrow[0] > expected[0]
    assert np.all(narrow[1:] < expected[1:] + 0.02)
    assert np.all(np.diff(narrow) < 0)
    random = shares(synthesize(60, 4000, 900, depth=3, branching=3, zipf=0, concentration=0.6, noise=1))
    assert random[3] > 0.4


def test_popularity_inside_a_leaf_is_zipf():
    catalogue = synthesize(3000, 100, 15_000, depth=1, branching=2, zipf=1.0, concentration=0.5, noise=0)
    counts = catalogue.interactions["item"].value_counts().reindex(catalogue.items["item"], fill_value=0)
    for _, leaf in counts.groupby(catalogue.items["category"].to_numpy()):
        head = leaf.to_numpy()[:20].astype(float)
        assert np.all(np.diff(head[:4]) < 0)
        slope = np.polyfit(np.log(np.arange(4, 21)), np.log(head[3:]), 1)[0]
        # Users do not repeat items, which flattens the head of the curve.
        assert -1.3 < slope < -0.6


def test_the_true_tastes_beat_popularity(catalogue):
    table = catalogue.table
    split = leave_one_out(table)
    leaf = catalogue.items.set_index("item")["category"].loc[table.item_ids].to_numpy()
    liked = catalogue.favourites.groupby("user")["category"].agg(set)
    popularity = split.train.popularity() + 0.0
    scores = np.stack([popularity + 1000 * np.isin(leaf, list(liked[user])) for user in table.user_ids])
    baseline = np.tile(popularity, (table.n_users, 1))

    def hits(score):
        score = score.copy()
        score[split.train.users, split.train.items] = -np.inf
        rank = (score[split.users] > score[split.users, split.test.items][:, None]).sum(axis=1)
        return np.mean(rank < 20)

    assert hits(scores) > 1.5 * hits(baseline)


def test_limits():
    full = synthesize(n_users=2, n_items=6, n_rows=6, depth=1, branching=2, concentration=1.0, noise=0.0)
    assert full.interactions.groupby("user").size().tolist() == [3, 3]
    assert len(synthesize(n_users=40, n_items=50, n_rows=40 * 25, depth=2, branching=2).table) == 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_users": 1}, r"`n_users` must be at least 2\. Received: n_users=1"),
        ({"depth": 0}, r"`depth` must be at least 1\. Received: depth=0"),
        ({"branching": 1}, r"`branching` must be 2 to 26\. Received: branching=1"),
        ({"n_items": 63}, r"`n_items` must be at least 6 and .* = 64 leaves\. Received: n_items=63"),
        ({"n_rows": 9999}, r"`n_rows` must be 10000 to 1500000 .*Received: n_rows=9999"),
        ({"zipf": float("nan")}, r"`zipf` must be a finite number >= 0\. Received: zipf=nan"),
        ({"concentration": 1.5}, r"`concentration` must be in \[0, 1\]\. Received: concentration=1\.5"),
        ({"noise": -0.1}, r"`noise` must be in \[0, 1\]\. Received: noise=-0\.1"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        synthesize(**arguments)
