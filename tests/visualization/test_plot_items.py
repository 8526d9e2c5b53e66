"""Plots of the items of a model, named and coloured by columns of an item table."""

from __future__ import annotations

import pytest
import tiny

from hyperml_tf.visualization import plot_items

COLUMNS = {
    "title": [f"Title {number}" for number in range(150)],
    "kind": ["Home|Lamp", "Books|Novel", "Home|Quilt"] * 50,
}


def names(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text().startswith("Title")]


def groups(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_items_are_named_and_coloured_by_their_columns() -> None:
    popularity = tiny.split().train.popularity()
    figure = plot_items(tiny.trained(), popularity, items=COLUMNS)
    assert groups(figure) == ["Home", "Books"]
    most = max(range(150), key=lambda number: popularity[number])
    assert f"Title {most}" in names(figure)


def test_names_do_not_cover_each_other_or_those_of_rings() -> None:
    figure = plot_items(tiny.trained(), tiny.split().train.popularity(), items=COLUMNS)
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert len(boxes) > 10
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_the_column_of_colours_is_chosen() -> None:
    columns = {**COLUMNS, "price": [str(number % 3) for number in range(150)]}
    figure = plot_items(tiny.trained(), tiny.split().train.popularity(), items=columns, colour="price")
    assert sorted(groups(figure)) == ["0", "1", "2"]
    with pytest.raises(ValueError, match="`label` must name a column"):
        plot_items(tiny.trained(), tiny.split().train.popularity(), items=columns, label="name")
