"""Columns of items as groups: numbers, paths, lists, and what is too different to be groups."""

from __future__ import annotations

import numpy as np
import pytest

from hyperml_tf.visualization.facets import facets_of, number_facet
from hyperml_tf.visualization.item_columns import column_facets, group_names, label_column, telling


def groups(facet) -> list[list[str]]:
    """The groups of each item, by their names."""
    parts = np.split(facet.members, facet.offsets[1:-1])
    return [[facet.values[code] for code in part] for part in parts]


def test_values_are_groups_the_largest_first() -> None:
    (facet,) = facets_of("brand", ["b", "a", "", "b", "c"])
    assert (facet.name, facet.values, facet.ordered) == ("brand", ["b", "a", "c"], False)
    assert groups(facet) == [["b"], ["a"], [], ["b"], ["c"]]
    assert facet.first.tolist() == [0, 1, -1, 0, 2]
    assert group_names(facet) == ["b", "a", "none", "b", "c"]


def test_paths_have_a_facet_for_each_level_in_which_they_differ() -> None:
    paths = ["All|Home|Bath", "All|Home|Lamps", "All|Books|Novels", "All|Books", "", "All|Home|Bath|Towels"]
    one, two, three = facets_of("category", paths)
    assert [one.name, two.name, three.name] == ["category", "category, level 3", "category, level 4"]
    assert groups(one) == [["Home"], ["Home"], ["Books"], ["Books"], [], ["Home"]]
    assert groups(two) == [["Home › Bath"], ["Home › Lamps"], ["Books › Novels"], ["Books"], [], ["Home › Bath"]]
    assert groups(three)[-1] == ["Bath › Towels"]


def test_items_with_lists_are_in_several_groups() -> None:
    (facet,) = facets_of("genres", ["Drama|War", "War", "Comedy|Drama", "War|Comedy|War"])
    assert groups(facet) == [["Drama", "War"], ["War"], ["Comedy", "Drama"], ["War", "Comedy"]]


def test_numbers_are_intervals_of_about_as_many_items_each() -> None:
    (facet,) = facets_of("year", ["", *map(str, range(1900, 2000))])
    assert facet.ordered
    assert facet.first[0] == -1
    assert facet.values[0].startswith("1900 – ")
    assert facet.values[-1].endswith(" – 1999")
    assert np.ptp(np.bincount(facet.members)) <= 2
    assert np.all(np.diff(facet.first[1:]) >= 0)


def test_a_column_of_numbers_may_have_a_few_other_texts() -> None:
    (facet,) = facets_of("year", ["unknown", *map(str, range(1900, 2000))])
    assert (facet.ordered, facet.first[0]) == (True, -1)
    (facet,) = facets_of("size", ["10", "12", "one size", "10"])
    assert (facet.ordered, facet.values) == (False, ["10", "12", "one size"])


def test_few_numbers_are_groups_in_their_order() -> None:
    (facet,) = facets_of("stars", ["10", "2", "2", "1.5"])
    assert (facet.values, facet.ordered) == (["1.5", "2", "10"], True)
    assert groups(facet) == [["10"], ["2"], ["2"], ["1.5"]]


def test_a_number_that_many_items_have_is_an_interval_of_its_own() -> None:
    (facet,) = number_facet("popularity", np.array([1.0] * 80 + list(range(2, 22))))
    assert facet.values[0] == "1"
    assert np.count_nonzero(facet.first == 0) == 80
    assert 5 <= len(facet.values) <= 8


def test_small_groups_share_one_entry() -> None:
    (facet,) = facets_of("brand", ["large"] * 200 + [f"brand {number:03d}" for number in range(100)])
    assert len(facet.values) == 61
    assert facet.values[-1] == "41 other values"
    assert len(facet.members) == 300


@pytest.mark.parametrize("texts", [["same"] * 5, [""] * 5, [f"text {number}" for number in range(50)], ["3"] * 4])
def test_what_divides_nothing_is_no_facet(texts: list[str]) -> None:
    assert facets_of("column", texts) == []
    assert number_facet("column", np.full(5, 2.0)) == []


def test_the_first_column_that_tells_items_apart_colours_them() -> None:
    rare = ["Casio", "Timex", *[""] * 98]
    nearly_all = ["no"] * 95 + ["yes"] * 5
    columns = {
        "title": ["t"] * 100,
        "brand": rare,
        "new": nearly_all,
        "colour": ["red", "blue"] * 50,
        "size": ["L", "S"] * 50,
    }
    assert label_column(columns, None) == "title"
    facets = column_facets(columns, "title", None)
    assert facets[telling(facets, None)].name == "colour"
    facets = column_facets(columns, "title", "brand")
    assert facets[telling(facets, "brand")].name == "brand"
    assert telling([], None) is None


def test_columns_that_are_missing_or_all_the_same_are_named() -> None:
    columns = {"title": ["a", "b"], "kind": ["x", "x"]}
    with pytest.raises(
        ValueError, match=r"`label` must name a column of `items`, which has 'title', 'kind'\. Received: 'name'"
    ):
        label_column(columns, "name")
    with pytest.raises(ValueError, match=r"`colour` must name a column of `items`.* Received: 'genre'"):
        column_facets(columns, "title", "genre")
    with pytest.raises(ValueError, match=r"`colour` must name a column in which items differ\. Received: 'kind'"):
        column_facets(columns, "title", "kind")
